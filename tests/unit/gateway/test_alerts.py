"""The alerts' pages over a real store: each administrator sees and changes those of the own tenant."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from farthing.gateway import alerts as pages_of_alerts
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.store import KeyRing, Store, hash_of, new_id, open_store
from farthing.store.alerts import Alerts, Change, Notice, Standing
from stores import ready

FIRE = Standing("a1", "default", "day_spend", "feature", "agent", "alert", text="It burns.", seen_us=10**15)
OTHERS = Standing("b1", "acme", "day_spend", "total", "", "warn", text="Theirs.")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    await Alerts(store).decide(lambda known, mutes: Change([FIRE, OTHERS], [Notice("raised", FIRE, ("log",))]))
    yield store
    await store.close()


@asynccontextmanager
async def site(store: Store) -> AsyncIterator[Any]:
    keys = KeyRing(store)
    await keys.load()
    app = pages(pages_of_alerts.routes(store, Guard(keys, "loopback")), [])
    async with AsyncClient(transport=ASGITransport(app, client=("127.0.0.1", 1)), base_url="http://localhost") as web:

        async def ask(method: str, path: str, body: object = None, key: str = "") -> Response:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            content = None if body is None else json.dumps(body)
            return await web.request(method, f"/v1/farthing/alerts{path}", content=content, headers=headers)

        yield ask
    await keys.close()


async def a_key(store: Store, tenant: str, *, admin: bool) -> str:
    secret = f"sk-{tenant}-{admin}"
    key = Key(id=new_id(), name=f"ops of {tenant}", hash=hash_of(secret), tenant=tenant, role="admin" if admin else "")
    await store.add_key(key)
    return secret


async def test_states_history_and_the_calls_behind(store: Store) -> None:
    await store.write(
        [Record("c1", 10**15 + 1, "openai.chat", feature="agent", cost_state="computed", cost=9, baseline=9)]
    )
    async with site(store) as ask:
        told = (await ask("GET", "")).json()
        assert [each["id"] for each in told["data"]] == ["a1"] and told["channels"][0]["waiting"] == 1
        one = (await ask("GET", "/a1")).json()
        assert (
            one["history"][0]["what"] == "raised"
            and one["calls"][0]["id"] == "c1"
            and one["calls"][0]["cost_nano"] == 9
        )
        assert (await ask("GET", "/b1")).status_code == 404  # another tenant's
        assert (await ask("GET", "/none")).status_code == 404


async def test_acknowledge(store: Store) -> None:
    async with site(store) as ask:
        assert (await ask("POST", "/a1/ack", {"who": "ana"})).json()["acked_by"] == "ana"
        assert (await ask("POST", "/a1/ack", {"name": "ana"})).status_code == 400
        assert (await ask("POST", "/b1/ack", {})).status_code == 404


async def test_mutes(store: Store) -> None:
    async with site(store) as ask:
        made = await ask(
            "POST", "/mutes", {"for_s": 60, "rule": "day_spend", "scope": "feature:agent", "why": "a test"}
        )
        assert made.status_code == 201 and abs(made.json()["until_us"] / 1e6 - time.time() - 60) < 30
        assert [each["id"] for each in (await ask("GET", "/mutes")).json()["data"]] == [made.json()["id"]]
        for wrong in (
            {"for_s": 0},
            {"for_s": 10**12},
            {"for_s": 9, "rule": "none"},
            {"for_s": 9, "why": "\x1b"},
            {},
            [],
        ):
            assert (await ask("POST", "/mutes", wrong)).status_code == 400
        assert (await ask("DELETE", f"/mutes/{made.json()['id']}")).json()["ended"] is True
        assert (await ask("DELETE", f"/mutes/{made.json()['id']}")).status_code == 404


async def test_only_administrators_and_only_their_tenant(store: Store) -> None:
    admin, caller = await a_key(store, "acme", admin=True), await a_key(store, "acme", admin=False)
    async with site(store) as ask:
        assert (await ask("GET", "")).status_code == 401
        assert (await ask("GET", "", key=caller)).status_code == 403
        told = (await ask("GET", "", key=admin)).json()
        assert [each["id"] for each in told["data"]] == ["b1"] and "channels" not in told
        assert (await ask("POST", "/b1/ack", {}, key=admin)).json()["acked_by"].startswith("key ops of acme (key-")
