"""Exports over HTTP: whole files of the own tenant, the same as on the command line, and refusals in words."""

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from farthing.finops.focus.rows import Wanted, export
from farthing.finops.focus.table import CsvFile
from farthing.gateway import exports
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.settings import Settings
from farthing.store.corrections import Corrections, Entry
from unit.finops.traffic import FIRST_US, traffic
from unit.gateway.test_pages import Site, a_site

DAY_US = 86_400_000_000
SPAN = f"since_us={FIRST_US}&until_us={FIRST_US + 40 * DAY_US}"
FOCUS, STATEMENT = "/v1/farthing/exports/focus", "/v1/farthing/exports/statement"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        await made.store.write(traffic(60, 40, seed=9))
        entries = [Entry(FIRST_US, 5, "openai", tenant=tenant) for tenant in ("", "default", "b")]
        await Corrections(made.store).post(entries, who="ana", reason="the bill")
        yield made


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


async def test_focus_is_that_of_the_command_line(site: Site) -> None:
    status, headers, body = await site("GET", f"{FOCUS}?{SPAN}")
    assert status == 200 and headers["content-type"].startswith("text/csv")
    assert int(headers["content-length"]) == len(body) and "attachment" in headers["content-disposition"]
    text = io.StringIO(newline="")
    wanted = Wanted(FIRST_US, FIRST_US + 40 * DAY_US, "default")
    with closing(site.store.engine.connect()) as connection:
        export(connection, wanted, CsvFile(text, wanted.columns).write)
    assert body.decode() == text.getvalue()
    mine = [call for call in traffic(60, 40, seed=9) if call.tenant == "default"]
    billed = sum(Decimal(row["BilledCost"]) for row in rows(body))
    assert billed * 10**9 == sum(call.cost for call in mine) + 10, "and its corrections"
    assert {row["x_Tenant"] for row in rows(body)} == {"default", ""}, "what is nobody's is the operator's"


async def test_tenants_see_their_own(site: Site) -> None:
    theirs = await site.add("theirs", role="viewer", tenant="b")
    chief = await site.add("chief", role="admin")
    _, _, body = await site("GET", f"{FOCUS}?{SPAN}", key=theirs)
    assert {row["x_Tenant"] for row in rows(body)} == {"b"}
    assert (await site("GET", f"{FOCUS}?{SPAN}&tenant=b", key=chief))[2] == body
    assert (await site("GET", f"{FOCUS}?{SPAN}&tenant=default", key=theirs))[0] == 403
    _, _, body = await site("GET", f"{STATEMENT}?{SPAN}&format=json", key=theirs)
    shown = json.loads(body)
    assert shown["total"] == 5 and [each["amount"] for each in shown["shared"]] == [5]


async def test_statements_in_three_shapes(site: Site) -> None:
    _, _, body = await site("GET", f"{STATEMENT}?{SPAN}&format=json&by=project")
    total = json.loads(body)["total"]
    _, headers, table = await site("GET", f"{STATEMENT}?{SPAN}&by=project")
    assert headers["content-type"].startswith("text/csv")
    assert sum(Decimal(row["cost_dollars"]) for row in rows(table)) * 10**9 == total
    _, headers, page = await site("GET", f"{STATEMENT}?{SPAN}&format=html&title=%3Cb%3EAcme")
    assert headers["content-type"].startswith("text/html") and headers["x-content-type-options"] == "nosniff"
    assert page.startswith(b"<!doctype html>") and page.endswith(b"</html>\n")
    assert b"&lt;b&gt;Acme" in page and b"<b>Acme" not in page


async def test_a_large_file_goes_by_the_disk(site: Site) -> None:
    app = pages(exports.routes(site.store, Guard(site.keys, "on"), Settings(), in_memory=100), [])
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        answer = client.get(f"{FOCUS}?{SPAN}")
    assert answer.status_code == 200 and answer.content == (await site("GET", f"{FOCUS}?{SPAN}"))[2]
    assert int(answer.headers["content-length"]) == len(answer.content) > 10_000


@pytest.mark.parametrize("query", ["month=2026-02", "month=1970-01", "since_us=0&until_us=1", ""])
async def test_spans(site: Site, query: str) -> None:
    assert (await site("GET", f"{FOCUS}?{query}"))[0] == 200
    assert (await site("GET", f"{STATEMENT}?{query}"))[0] == 200


@pytest.mark.parametrize(
    "query",
    ["month=x", "month=2026-13", "month=9999-01", "month=0001-01", "month=2026-01&since_us=1", f"since_us=0&until_us={FIRST_US}", "focus=9", "token_kinds=x",
     "since_us=5&until_us=x"],
)  # fmt: skip
async def test_what_cannot_be_exported_is_a_400(site: Site, query: str) -> None:
    assert (await site("GET", f"{FOCUS}?{query}"))[0] == 400


@pytest.mark.parametrize("query", ["by=user", "shared=x", "format=pdf", "lines=1", "spread_unnamed=yes"])
async def test_statements_that_there_are_not(site: Site, query: str) -> None:
    assert (await site("GET", f"{STATEMENT}?{query}"))[0] == 400
