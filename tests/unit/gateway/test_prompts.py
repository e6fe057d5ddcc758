"""The doctor's findings over HTTP: of one's own tenant, never a 500."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from farthing.gateway import prompts
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.store import KeyRing, open_store
from farthing.store.busters import LOOKED, Broken, Busters
from stores import ready

NOW_US = time.time_ns() // 1000
DATE = Broken("default", "chat", "gpt-5.5", "date", "system 1", 40, 80_000, 360_000_000, 31, "00:00", NOW_US)
ROWS = [
    DATE,
    Broken("default", "chat", "gpt-5.5", LOOKED, "", 100, 400_000, 0, 0, "", NOW_US),
    Broken("other", "secret", "gpt-5.5", "uuid", "system 1", 1, 1, 1, 1, "", NOW_US),
]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient]:
    store = await open_store(ready(tmp_path))
    await Busters(store).add(ROWS)
    keys = KeyRing(store)
    await keys.load()
    app = pages(prompts.routes(store, Guard(keys, "on")), [])
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        yield client
    await keys.close()
    await store.close()


async def test_findings_of_the_own_tenant(client: TestClient) -> None:
    shown = client.get("/v1/farthing/prompts/doctor").json()
    assert (shown["calls_looked_at"], shown["lost"]["dollars"]) == (100, "0.360000000")
    assert [each["kind"] for each in shown["findings"]] == ["date"]
    assert client.get("/v1/farthing/prompts/doctor?feature=mail").json()["findings"] == []
    assert client.get("/v1/farthing/prompts/doctor?tenant=other").json()["findings"][0]["feature"] == "secret"


@pytest.mark.parametrize(
    "query", ["since_us=x", "since_us=999999999999&until_us=1", "until_us=99999999999999999999", "tenant="]
)
async def test_what_cannot_be_told_is_a_400(query: str, client: TestClient) -> None:
    assert client.get(f"/v1/farthing/prompts/doctor?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["feature=%00", "feature=" + "x" * 5_000, "since_us=0&until_us=1", "feature=%F0%9F%92%B8"]
)
async def test_odd_words_find_nothing(query: str, client: TestClient) -> None:
    assert client.get(f"/v1/farthing/prompts/doctor?{query}").json()["findings"] == []
