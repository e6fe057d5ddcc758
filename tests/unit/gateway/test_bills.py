"""Corrections, bills and pricing anew over HTTP: who may, what is written, what the audit log says."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from farthing.gateway import rerate
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.settings import Settings
from farthing.store.corrections import Corrections
from unit.gateway.test_pages import BOOK, Site, a_site

DAY_US = 86_400_000_000
NOON_US = 20_500 * DAY_US + DAY_US // 2
SPAN = f"since_us={NOON_US - DAY_US}&until_us={NOON_US + DAY_US}"
CORRECTIONS, RECONCILE, RERATES = (f"/v1/farthing/{name}" for name in ("corrections", "reconcile", "rerates"))
PAGE = {
    "data": [
        {
            "start_time": 20_500 * 86_400,
            "results": [
                {"object": "organization.costs.result", "amount": {"value": "0.5", "currency": "usd"},
                 "line_item": "gpt-4o-mini, input", "project_id": None},
            ],
        }
    ]
}  # fmt: skip
BILL = json.dumps(PAGE).encode()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as made:
        for name in ("viewer", "editor", "admin"):
            await made.add(name, role=name)
            await made.add(f"{name}-b", role=name, tenant="b")
        yield made


def a_call(tenant: str = "default") -> Record:
    """It was booked far too cheap."""
    attempt = Attempt(
        1, provider="openai", deployment="openai/gpt-4o-mini", model="gpt-4o-mini", status=200, started_us=NOON_US,
        usage=Usage(uncached_in=1_000_000), cost_state="computed", cost=1, list_cost=1,
    )  # fmt: skip
    return Record(
        f"c-{tenant}", NOON_US, "openai.chat", model="gpt-4o-mini", provider="openai", status=200, tenant=tenant,
        cost_state="computed", cost=1, baseline=1, attempts=[attempt],
    )  # fmt: skip


async def sent(site: Site, path: str, body: Any, key: str) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, said = await site("POST", path, key=f"fk-{key}", body=content)
    return status, json.loads(said)


async def audited(site: Site) -> list[tuple[str, str, str]]:
    _, _, body = await site("GET", "/v1/farthing/audit", key="fk-admin")
    return [(each["who"], each["kind"], each["what"]) for each in json.loads(body)["data"] if each["kind"] != "key"]


async def test_a_correction_is_posted_and_listed(site: Site) -> None:
    new = {"day_us": NOON_US, "amount": -7, "reason": "a credit", "provider": "openai", "model": "gpt-4o"}
    assert (await sent(site, CORRECTIONS, new, "viewer"))[0] == 403
    status, made = await sent(site, CORRECTIONS, new, "editor")
    assert status == 201 and (made["no"], made["amount"], made["day_us"]) == (1, -7, NOON_US - DAY_US // 2)
    assert (made["who"], made["tenant"]) == ("key editor (key-editor)", "default")
    assert await audited(site) == [("key editor (key-editor)", "correction", "posted")]
    _, _, body = await site("GET", f"{CORRECTIONS}?{SPAN}", key="fk-viewer")
    assert json.loads(body) == {"data": [made], "total": -7}
    _, _, body = await site("GET", f"{CORRECTIONS}?{SPAN}", key="fk-admin-b")
    assert json.loads(body) == {"data": [], "total": 0}


async def test_tenants_correct_their_own_and_speak_of_no_bill(site: Site) -> None:
    new = {"day_us": NOON_US, "amount": 9, "reason": "their credit"}
    assert (await sent(site, CORRECTIONS, new, "editor-b"))[1]["tenant"] == "b"
    assert (await sent(site, CORRECTIONS, new | {"provider": "openai"}, "admin-b"))[0] == 403
    assert (await sent(site, f"{CORRECTIONS}?tenant=b", new | {"provider": "openai"}, "admin"))[1]["tenant"] == "b"
    assert (await sent(site, f"{CORRECTIONS}?tenant=default", new, "editor-b"))[0] == 403


@pytest.mark.parametrize(
    "new",
    [{}, {"day_us": 1, "amount": 5}, {"day_us": 1, "amount": 5, "reason": ""}, {"day_us": 1, "amount": 5, "reason": " "}, {"day_us": -1, "amount": 5, "reason": "x"},
     {"day_us": 1, "amount": 0.5, "reason": "x"}, {"day_us": 1, "amount": 10**19, "reason": "x"}, {"day_us": 1, "amount": 5, "reason": "x" * 600}],
)  # fmt: skip
async def test_corrections_that_are_none(site: Site, new: dict[str, Any]) -> None:
    assert (await sent(site, CORRECTIONS, new, "admin"))[0] == 400
    assert await Corrections(site.store).last() == 0


async def test_a_bill_is_compared_and_corrected(site: Site) -> None:
    await site.store.write([a_call(), a_call("b")])
    status, seen = await sent(site, f"{RECONCILE}?provider=openai", BILL, "admin")
    assert status == 200 and seen["bill"]["nano_dollars"] == 500_000_000
    assert (seen["ledger"]["nano_dollars"], seen["gap"]["nano_dollars"]) == (2, 499_999_998)
    assert await Corrections(site.store).last() == 0, "to look changes nothing"
    path = f"{RECONCILE}/corrections?provider=openai"
    for url in (f"{RECONCILE}?provider=openai", f"{path}&reason=bill"):
        assert (await sent(site, url, BILL, "editor"))[0] == 403, "a bill is of all tenants"
    assert (await sent(site, path, BILL, "admin"))[0] == 400, "why?"
    status, done = await sent(site, f"{path}&reason=bill", BILL, "admin")
    assert status == 201 and (done["posted"], done["gap"]["nano_dollars"]) == (1, 0)
    assert ("key admin (key-admin)", "correction", "posted") in await audited(site)
    assert (await sent(site, f"{path}&reason=again", BILL, "admin"))[0] == 200, "nothing is left"
    for path in (RECONCILE, f"{RECONCILE}/corrections"):
        assert (await sent(site, f"{path}?provider=openai&reason=x", BILL, "admin-b"))[0] == 403, "of all tenants"


async def test_several_exports_in_one_body(site: Site) -> None:
    for body in (json.dumps([PAGE, PAGE]).encode(), BILL + b"\n" + BILL):
        _, seen = await sent(site, f"{RECONCILE}?provider=openai", body, "admin")
        assert seen["bill"]["nano_dollars"] in (500_000_000, 1_000_000_000)


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"\xff\x00", b"a;b\n1;2", b"[" * 100_000, BILL[:-3]])
async def test_bodies_that_are_no_export(site: Site, body: bytes) -> None:
    for provider in ("openai", "anthropic", "azure"):
        assert (await sent(site, f"{RECONCILE}?provider={provider}", body, "admin"))[0] == 400


async def test_a_bill_that_is_too_large_or_of_nobody(site: Site) -> None:
    assert (await sent(site, f"{RECONCILE}?provider=acme", BILL, "admin"))[0] == 400
    assert (await sent(site, f"{RECONCILE}?provider=openai&since_us=x", BILL, "admin"))[0] == 400
    assert (await sent(site, f"{RECONCILE}?provider=openai", b" " * (17 * 2**20), "admin"))[0] == 413


async def test_pricing_anew_shows_first(site: Site) -> None:
    await site.store.write([a_call(), a_call("b")])
    asked = {"since_us": NOON_US, "until_us": NOON_US + 1}
    status, seen = await sent(site, RERATES, asked, "admin")
    assert status == 200 and seen["run"] is None
    assert (seen["preview"]["calls"], seen["preview"]["cost_after"]["nano_dollars"]) == (2, 300_000_000)
    call = await site.store.call("c-b")
    assert call is not None and call.cost == 1
    for key in ("editor", "admin-b"):
        assert (await sent(site, RERATES, asked, key))[0] == 403
    status, done = await sent(site, RERATES, asked | {"dry_run": False, "reason": "a contract"}, "admin")
    assert status == 201 and (done["run"]["changed"], done["run"]["who"]) == (2, "key admin (key-admin)")
    call = await site.store.call("c-b")
    assert call is not None and call.cost == 150_000_000
    assert await site.store.check() == []
    assert await audited(site) == [("key admin (key-admin)", "rerate", "begun")]
    assert (await sent(site, RERATES, asked | {"dry_run": False}, "admin"))[1]["run"] is None, "nothing is left"
    _, _, body = await site("GET", RERATES, key="fk-viewer")
    assert [run["reason"] for run in json.loads(body)["data"]] == ["a contract"]
    assert (await site("GET", RERATES, key="fk-viewer-b"))[0] == 403


async def test_spans_that_cannot_be_priced_anew(site: Site) -> None:
    for asked in (
        {},
        {"since_us": 5, "until_us": 5},
        {"since_us": 0, "until_us": 10**19},
        {"since_us": "x", "until_us": 5},
    ):
        assert (await sent(site, RERATES, asked, "admin"))[0] == 400
    await site.store.write([a_call(), a_call("b")])
    app = pages(rerate.routes(site.store, Guard(site.keys, "on"), Settings(), BOOK, most_calls=1), [])
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        asked = {"since_us": 0, "until_us": 2 * NOON_US}
        answer = client.post(RERATES, json=asked, headers={"authorization": "Bearer fk-admin"})
    assert answer.status_code == 400 and "2 calls" in answer.json()["error"]["message"]
