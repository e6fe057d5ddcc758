"""Outcomes and costs over HTTP: any key of the tenant posts them, administrators read what comes of it; never a 500."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from farthing.gateway import transactions
from farthing.gateway.guard import Guard
from farthing.gateway.openapi import openapi
from farthing.gateway.pages import pages
from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.settings import Amount, TransactionSettings, TransactionTypeSettings
from farthing.store import KeyRing, Store, hash_of, new_id, open_store
from stores import ready

SETTINGS = TransactionSettings(
    tools={"crm": Amount("0.002")}, types={"support": TransactionTypeSettings(human_dollars=Amount("15"))}
)  # fmt: skip
NOW_US = time.time_ns() // 1000


def a_call(id: str, transaction: str, tenant: str = "default") -> Record:
    return Record(
        id, NOW_US, "openai.chat", tenant=tenant, transaction=transaction, cost_state="computed", cost=10**8,
        baseline=10**8,
    )  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    await store.write([a_call("1", "support/T-1"), a_call("2", "support/T/2"), a_call("3", "support/T-1", "acme")])
    yield store
    await store.close()


@asynccontextmanager
async def site(store: Store, admin: str = "loopback") -> AsyncIterator[Any]:
    keys = KeyRing(store)
    await keys.load()
    app = pages(transactions.routes(store, Guard(keys, admin), SETTINGS), [])
    async with AsyncClient(transport=ASGITransport(app, client=("127.0.0.1", 1)), base_url="http://localhost") as web:

        async def ask(method: str, path: str, body: object = None, key: str = "") -> Response:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            content = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
            return await web.request(method, f"/v1/farthing/transactions{path}", content=content, headers=headers)

        yield ask
    await keys.close()


async def test_an_outcome_a_cost_and_what_comes_of_them(store: Store) -> None:
    async with site(store) as ask:
        said = await ask(
            "POST", "/support/T-1/outcome", {"outcome": "resolved", "revenue_dollars": "4.99", "human_minutes": 2}
        )
        assert said.status_code == 200
        assert said.json()["revenue"] == {"nano_dollars": 4_990_000_000, "dollars": "4.990000000"}
        costs = {"costs": [{"tool": "crm", "count": 3, "id": "a"}, {"tool": "courier", "dollars": 0.5}]}
        added = await ask("POST", "/support/T-1/costs", costs)
        assert (added.status_code, added.json()["added"], added.json()["cost"]["nano_dollars"]) == (201, 2, 506_000_000)
        again = await ask("POST", "/support/T-1/costs", {"costs": costs["costs"][:1]})
        assert (again.status_code, again.json()["added"], again.json()["repeated"]) == (200, 0, 1)
        one = (await ask("GET", "/support/T-1")).json()
        assert (one["calls"], one["total"]["nano_dollars"], one["outcome"]) == (1, 606_000_000, "resolved")
        slashed = await ask("POST", "/support/T/2/outcome", {"outcome": "failed"})
        assert slashed.json()["id"] == "T/2"
        found = (await ask("GET", "/support")).json()["types"][0]
        assert (found["transactions"], found["succeeded"], found["failed"]) == (2, 1, 1)
        assert [each["type"] for each in (await ask("GET", "")).json()["types"]] == ["support"]


async def test_the_tenant_is_a_wall_and_reports_are_for_administrators(store: Store) -> None:
    secret = "sk-acme"
    await store.add_key(Key(id=new_id(), name="acme", hash=hash_of(secret), tenant="acme"))
    async with site(store) as ask:
        assert (await ask("POST", "/support/T-1/outcome", {"outcome": "failed"}, secret)).status_code == 200
        assert (await ask("POST", "/support/T-1/outcome", {"outcome": "failed"})).status_code == 401
        for path in ("", "/support", "/support/T-1"):
            assert (await ask("GET", path, key=secret)).status_code == 403
    outcomes = await store.do(lambda each: each.query("SELECT tenant, outcome FROM transactions WHERE id = 'T-1' ORDER BY tenant"))  # fmt: skip
    assert outcomes == [("acme", "failed"), ("default", None)]
    async with site(store, "off") as ask:
        assert (await ask("POST", "/support/T-1/outcome", {"outcome": "resolved"}, secret)).status_code == 200
        assert (await ask("GET", "", key=secret)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/support/T-1/outcome", {"outcome": "done"}), ("/support/T-1/outcome", {}), ("/support/T-1/outcome", b"\xff"),
        ("/support/T-1/outcome", {"outcome": "failed", "revenue_dollars": "much"}), ("/support/T-1/outcome", {"outcome": "failed", "human_minutes": -1}),
        ("/support/T-1/outcome", {"outcome": "failed", "at_us": 10**30}), ("/support/T-1/outcome", b'{"outcome":"failed","revenue_dollars":1e400}'),
        ("/support/T-1/costs", {"costs": []}), ("/support/T-1/costs", {"costs": [{"tool": "fax"}]}),
        ("/support/T-1/costs", {"costs": [{"tool": "crm", "count": 10**9}]}), ("/support/T-1/costs", {"costs": [{"tool": ""}]}),
        (f"/{'a' * 200}/T-1/outcome", {"outcome": "failed"}), ("/support/%00/outcome", {"outcome": "failed"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_posted_is_a_400(path: str, body: object, store: Store) -> None:
    async with site(store) as ask:
        assert (await ask("POST", path, body)).status_code == 400
    assert await store.check() == []


async def test_what_is_not_there(store: Store) -> None:
    async with site(store) as ask:
        assert (await ask("GET", "/support/T-9")).status_code == 404
        assert (await ask("GET", "/nothing")).status_code == 404
        assert (await ask("GET", "?since_us=86400000000&until_us=4")).status_code == 400
        assert (await ask("GET", "/support?since_us=0&until_us=86400000000")).json()["types"] == []


def test_all_pages_are_in_the_document(tmp_path: Path) -> None:
    known = openapi()["paths"]
    for path in ("", "/{type}", "/{type}/{id}", "/{type}/{id}/outcome", "/{type}/{id}/costs"):
        assert f"/v1/farthing/transactions{path}" in known
