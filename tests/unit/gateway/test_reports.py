"""Reports over HTTP: of the administrator's own tenant, checked parameters, never a 500."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from farthing.gateway import reports
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.model.batch import Job, Line
from farthing.settings import Settings
from farthing.store import KeyRing, Store, open_store
from farthing.store.batch import jobs, lines
from farthing.store.rollups import DAY_US
from stores import ready
from unit.finops.traffic import FIRST_US, traffic

SPAN = f"since_us={FIRST_US}&until_us={FIRST_US + 40 * DAY_US}"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    await store.write(traffic(60, 40, seed=9))
    yield store
    await store.close()


@pytest.fixture
async def client(store: Store) -> AsyncIterator[TestClient]:
    keys = KeyRing(store)
    await keys.load()
    app = pages(reports.routes(store, Guard(keys, "on"), Settings()), [])
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        yield client
    await keys.close()


async def test_metrics_of_the_own_tenant(client: TestClient) -> None:
    answer = client.get(f"/v1/farthing/reports/metrics?{SPAN}")
    assert answer.status_code == 200
    shown = answer.json()
    mine = [call for call in traffic(60, 40, seed=9) if call.tenant == "default"]
    assert (shown["calls"], shown["cost"]) == (len(mine), sum(call.cost for call in mine))
    chat = client.get(f"/v1/farthing/reports/metrics?{SPAN}&feature=chat").json()
    assert chat["calls"] == sum(call.feature == "chat" for call in mine) and chat["where"] == {"feature": "chat"}


async def test_forecast_and_phases(client: TestClient) -> None:
    assert client.get("/v1/farthing/reports/forecast?by=feature").json()["total"]["method"] in ("none", "over")
    phases = client.get(f"/v1/farthing/reports/phases?{SPAN}").json()
    assert {each["project"] for each in phases["projects"]} == {"shop", "help"}


async def test_work_that_can_wait_is_told_of_the_own_tenant(client: TestClient, store: Store) -> None:
    for tenant in ("default", "other"):
        job = Job(f"j-{tenant}", "file", "openai.chat", tenant, FIRST_US, FIRST_US + DAY_US, state="running", total=2)
        made = [Line(job.id, no, f"c-{no}", tenant, "m", job.deadline_us, 2, body=b"{}") for no in range(2)]
        await store.do(lambda connection, job=job: jobs.add(connection, job))  # type: ignore[misc]
        await store.do(lambda connection, made=made: lines.add(connection, made))  # type: ignore[misc]
    shown = client.get(f"/v1/farthing/reports/waiting?{SPAN}").json()
    assert shown["queue"]["waiting"] == 2 and [each["tenant"] for each in shown["tenants"]] == ["default"]
    assert shown["deadlines_met_share"] is None and shown["lever"]["lever"] == "batching" and shown["turn_rounds"] == []


@pytest.mark.parametrize(
    "path",
    ["waiting?since_us=x", "metrics?since_us=x", "metrics?since_us=999999999999&until_us=1", "metrics?team=a&user=b", "forecast?by=weekday", "forecast?by=team&where=x&user=y",
     "phases?until_us=-1", "metrics?until_us=99999999999999999999"],
)  # fmt: skip
async def test_what_cannot_be_told_is_a_400(path: str, client: TestClient) -> None:
    answer = client.get(f"/v1/farthing/reports/{path}")
    assert answer.status_code == 400
    assert "error" in json.loads(answer.content)
