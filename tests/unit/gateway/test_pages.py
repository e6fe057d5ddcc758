"""Pages over a real store, through Starlette's own test transport: what they say, and to whom."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.deferred import Deferred
from farthing.batch.entrance import Entrance
from farthing.batch.news import News
from farthing.batch.prompts.costing import Coster
from farthing.catalog import Catalog, Costs, Expect
from farthing.gateway import (
    admin,
    alerts,
    batches,
    budgets,
    calls,
    corrections,
    exports,
    feedback,
    files,
    health,
    job_files,
    jobs,
    message_batches,
    models,
    openapi,
    prompts,
    reconcile,
    reports,
    rerate,
    status,
    transactions,
)
from farthing.gateway import routes as table_pages
from farthing.gateway.edge import new_call_id
from farthing.gateway.finals import Finals
from farthing.gateway.guard import Guard
from farthing.gateway.metrics import Metrics
from farthing.gateway.pages import pages
from farthing.gateway.uploads import Room
from farthing.model.principal import Key
from farthing.model.record import Attempt, Record
from farthing.model.routes import ANY, Cell, Table
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.settings import (
    BalanceSettings,
    BatchSettings,
    ModelSettings,
    ProviderSettings,
    Settings,
    TransactionSettings,
)
from farthing.steps.balance.health import Health
from farthing.store import Journal, KeyRing, Ledger, Routes, Store, StoreError, hash_of, open_store
from farthing.store.buckets import Buckets
from farthing.store.sealing import Wrapping
from farthing.upstream.providers import Provider, Providers
from farthing.wire import FORMATS
from stores import ready
from unit.upstream.test_providers import NoClient

PRIOR = Table(cells={(ANY, ANY): {"small-1": Cell("small-1", 0.8, 0.7), "mid-1": Cell("mid-1", 0.97, 0.96)}})
BOOK = PriceBook.load()
PLAIN = Wrapping()
RULES = table_pages.Rules({"small-1": "small", "mid-1": "mid"}.get, lambda scope: (0.95,), PRIOR)


def coster_for(providers: Providers) -> Coster:
    catalog = Catalog(BOOK, Settings(), providers.deployments, {each.name: each.prices for each in providers})
    expect = Expect()
    return Coster(catalog, Costs(BOOK, catalog, expect), expect, BOOK)


class Site:
    """All pages, and a store behind them."""

    def __init__(self, store: Store, keys: KeyRing, ledger: Ledger, metrics: Metrics, admin_policy: str) -> None:
        self.store, self.keys, self.ledger = store, keys, ledger
        guard = Guard(keys, admin_policy)
        self.latest: list[dict[str, Any]] = []
        """What was sent of the answer to the latest request, so far."""
        self.news = News()
        self.deferred = Deferred(store, Entrance(store, lambda: None), self.news, "here", BatchSettings(), new_call_id)
        providers = Providers(
            {name: Provider(name, ProviderSettings(), NoClient()) for name in ("openai", "anthropic")},
            {"house": ModelSettings("anthropic", "claude-haiku-4-5")},
        )
        routes = [
            *health.routes(ledger, serve_without_ledger=False), *metrics.routes(guard),
            *models.routes(providers, BOOK, guard, ("auto", "small")), *calls.routes(store, ledger, guard),
            *table_pages.routes(Routes(store), RULES, guard), *admin.routes(store, guard), *openapi.routes(),
            *feedback.routes(store, ledger, guard, []), *alerts.routes(store, guard), *budgets.routes(store, guard),
            *reports.routes(store, guard, Settings()), *prompts.routes(store, guard), *transactions.routes(store, guard, TransactionSettings()),
            *exports.routes(store, guard, Settings()), *corrections.routes(store, guard),
            *reconcile.routes(store, guard, Settings(), BOOK), *rerate.routes(store, guard, Settings(), BOOK),
            *files.routes(store, guard, BatchSettings(), PLAIN, Room()), *batches.routes(store, guard, BatchSettings(), Finals(store, PLAIN), lambda: None),
            *message_batches.routes(store, guard, Settings(), PLAIN, Room(), lambda: None),
            *job_files.routes(store, guard, BatchSettings(), PLAIN, coster_for(providers), lambda: None),
            *jobs.routes(store, self.deferred, self.news, guard, hold_s=5.0, wake=lambda: None),
            *status.routes(Health(providers, BalanceSettings(), Buckets()), 1, guard),
        ]  # fmt: skip
        self.app = pages(routes, [format.path for format in FORMATS.values()])

    async def __call__(
        self, method: str, path: str, *, key: str = "", body: bytes = b"", peer: str = "127.0.0.1", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        path, _, query = path.partition("?")
        sent = [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in {"host": "localhost", **headers}.items()
        ]
        if key:
            sent.append((b"authorization", f"Bearer {key}".encode()))
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": sent, "client": (peer, 1), "server": ("localhost", 80), "scheme": "http", "root_path": "",
            "http_version": "1.1",
        }  # fmt: skip
        messages = self.latest = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        got = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return messages[0]["status"], got, b"".join(message.get("body", b"") for message in messages[1:])

    async def add(self, name: str, **fields: Any) -> str:
        secret = f"fk-{name}"
        await self.store.add_key(Key(id=f"key-{name}", name=name, hash=hash_of(secret), created_us=1, **fields))
        await self.keys.refresh()
        return secret


@asynccontextmanager
async def a_site(folder: Path, admin: str = "loopback") -> AsyncIterator[Site]:
    """The pages over a store of their own."""
    store = await open_store(ready(folder))
    keys = KeyRing(store)
    await keys.load()
    journal = Journal(folder / "journal")
    metrics = Metrics(lambda: ledger)
    ledger = Ledger(store, journal, observers=[metrics.observe])
    made = Site(store, keys, ledger, metrics, admin)
    yield made
    await made.deferred.close()
    await ledger.close()
    journal.end()
    await keys.close()
    await store.close()


@pytest.fixture(params=["loopback"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, request.param) as made:
        yield made


async def test_a_store_that_cannot_be_read(site: Site) -> None:
    async def broken(call_id: str) -> Record | None:
        raise StoreError("the disk is on fire at /secret/path")

    site.store.call = broken  # type: ignore[method-assign]
    status, headers, body = await site("GET", "/v1/farthing/calls/call-1")
    assert status == 503 and "secret" not in body.decode() and headers["retry-after"] == "5"


def record(call_id: str, **fields: Any) -> Record:
    attempt = Attempt(
        1,
        provider="openai",
        model="gpt-4o",
        usage=Usage(out=5),
        raw_usage=b'{"o":5}',
        cost=50_000,
        cost_state="computed",
    )
    return Record(
        call_id, time.time_ns() // 1000, "openai.chat", provider="openai", model="gpt-4o", status=200, cost=50_000,
        baseline=50_000, cost_state="computed", out_tokens=5, attempts=[attempt], feature="chat", duration_us=9, **fields,
    )  # fmt: skip


async def test_health(site: Site) -> None:
    assert (await site("GET", "/health/live"))[0] == 200
    status, _, body = await site("GET", "/health/ready", peer="10.0.0.9")
    assert (status, json.loads(body)) == (200, {"status": "ok"})


async def test_models_in_the_shape_of_each_sdk(site: Site) -> None:
    _, _, body = await site("GET", "/v1/models")
    listed = {model["id"]: model["owned_by"] for model in json.loads(body)["data"]}
    assert listed["house"] == "anthropic" and listed["gpt-4o"] == "openai" and listed["claude-haiku-4-5"] == "anthropic"
    _, _, body = await site("GET", "/v1/models?limit=3", anthropic_version="2023-06-01")
    page = json.loads(body)
    assert len(page["data"]) == 3 and page["has_more"] and page["data"][0]["type"] == "model"
    status, _, body = await site("GET", "/v1/models/gpt-4o")
    assert (status, json.loads(body)["id"]) == (200, "gpt-4o")
    assert (await site("GET", "/v1/models/none-such"))[0] == 404


async def test_names_for_a_choice_are_listed_for_every_key(site: Site) -> None:
    secret = await site.add("web", models=("claude-haiku-*",))
    _, _, body = await site("GET", "/v1/models", key=secret)
    listed = {model["id"]: model["owned_by"] for model in json.loads(body)["data"]}
    assert (listed["auto"], listed["small"]) == ("farthing", "farthing")
    status, _, body = await site("GET", "/v1/models/auto", key=secret)
    assert (status, json.loads(body)["owned_by"]) == (200, "farthing")
    assert (await site("GET", "/v1/models/mid", key=secret))[0] == 404


async def test_models_can_be_paged_both_ways(site: Site) -> None:
    async def page(query: str) -> tuple[list[str], bool]:
        status, _, body = await site("GET", f"/v1/models?{query}", anthropic_version="2023-06-01")
        assert status == 200
        shown = json.loads(body)
        return [model["id"] for model in shown["data"]], shown["has_more"]

    names, _ = await page("limit=1000")
    assert await page(f"limit=2&after_id={names[1]}") == (names[2:4], True)
    assert await page(f"limit=2&before_id={names[5]}") == (names[3:5], True)
    assert await page(f"limit=9&before_id={names[2]}") == (names[:2], False)
    for odd in ("limit=0", "limit=-1", "limit=" + "9" * 5000, "limit=%C2%B2", "after_id=none-such", "before_id="):
        assert (await page(odd))[0][:20] == names[:20]


async def test_a_key_sees_the_models_that_it_may_use(site: Site) -> None:
    secret = await site.add("web", models=("claude-haiku-*",))
    _, _, body = await site("GET", "/v1/models", key=secret)
    listed = {model["id"] for model in json.loads(body)["data"] if model["owned_by"] != "farthing"}
    assert all(name.startswith("claude-haiku-") for name in listed)
    assert (await site("GET", "/v1/models/gpt-4o", key=secret))[0] == 404
    assert (await site("GET", "/v1/models"))[0] == 401


async def test_a_call_s_figures_for_its_owner_alone(site: Site) -> None:
    mine, other = await site.add("mine"), await site.add("other")
    chief, foreign = await site.add("chief", role="admin"), await site.add("foreign", role="admin", tenant="b")
    site.ledger.put(record("call-1", key_id="key-mine"))
    status, _, body = await site("GET", "/v1/farthing/calls/call-1", key=mine)
    card = json.loads(body)
    assert status == 200 and card["cost_dollars"] == "0.000050000" and card["attempts"][0]["raw_usage"] == '{"o":5}'
    await site.ledger.flush()
    assert (await site("GET", "/v1/farthing/calls/call-1", key=chief))[0] == 200
    for secret in (other, foreign):
        assert (await site("GET", "/v1/farthing/calls/call-1", key=secret))[0] == 404
    assert (await site("GET", "/v1/farthing/calls/call-1"))[0] == 401
    assert (await site("GET", "/v1/farthing/calls/call-2", key=mine))[0] == 404


async def test_admin_pages_need_an_admin_key_and_the_own_machine(site: Site) -> None:
    chief, user = await site.add("chief", role="admin"), await site.add("user")
    for path in ("/v1/farthing/keys", "/v1/farthing/report", "/metrics"):
        assert (await site("GET", path, key=chief))[0] == 200
        assert (await site("GET", path, key=user))[0] == 403
        assert (await site("GET", path))[0] == 401
        assert (await site("GET", path, key=chief, peer="10.0.0.9"))[0] == 404


@pytest.mark.parametrize("site", ["on"], indirect=True)
async def test_admin_pages_elsewhere_by_setting(site: Site) -> None:
    chief = await site.add("chief", role="admin")
    assert (await site("GET", "/metrics", key=chief, peer="10.0.0.9"))[0] == 200
    assert (await site("GET", "/metrics", peer="10.0.0.9"))[0] == 401


@pytest.mark.parametrize("site", ["off"], indirect=True)
async def test_admin_pages_switched_off(site: Site) -> None:
    chief = await site.add("chief", role="admin")
    assert (await site("GET", "/metrics", key=chief))[0] == 404


async def test_keys_are_made_shown_once_rotated_and_revoked(site: Site) -> None:
    chief = await site.add("chief", role="admin")
    status, _, body = await site("POST", "/v1/farthing/keys", key=chief, body=b'{"name":"web","tags":{"team":"w"}}')
    made = json.loads(body)
    assert status == 201 and made["secret"].startswith("fk-") and "hash" not in made
    _, _, listed = await site("GET", "/v1/farthing/keys", key=chief)
    assert made["id"] in listed.decode() and made["secret"] not in listed.decode()
    _, _, body = await site("POST", f"/v1/farthing/keys/{made['id']}/rotate", key=chief)
    assert json.loads(body)["secret"] != made["secret"]
    assert (await site("POST", f"/v1/farthing/keys/{made['id']}/revoke", key=chief))[0] == 200
    assert (await site("POST", f"/v1/farthing/keys/{made['id']}/rotate", key=chief))[0] == 400
    assert (await site("POST", "/v1/farthing/keys/key-none/revoke", key=chief))[0] == 404


async def test_another_tenant_s_keys_are_not_there(site: Site) -> None:
    chief = await site.add("chief", role="admin")
    await site.add("foreign", tenant="b")
    assert "key-foreign" not in (await site("GET", "/v1/farthing/keys", key=chief))[2].decode()
    assert (await site("POST", "/v1/farthing/keys/key-foreign/revoke", key=chief))[0] == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"name":7}', b'{"name":"x","hash":"y"}', b"[" * 50_000, b'{"name":"\xff"}']
)
async def test_bodies_that_make_no_key(site: Site, body: bytes) -> None:
    chief = await site.add("chief", role="admin")
    assert (await site("POST", "/v1/farthing/keys", key=chief, body=body))[0] == 400


async def test_report(site: Site) -> None:
    site.ledger.put(record("call-1"))
    await site.ledger.flush()
    _, _, body = await site("GET", "/v1/farthing/report?by=feature")
    (row,) = json.loads(body)["data"]
    assert (row["key"], row["calls"], row["cost"]) == ("chat", 1, 50_000)
    for query in ("by=nonsense", "since_us=x", "since_us=" + "9" * 30):
        assert (await site("GET", f"/v1/farthing/report?{query}"))[0] == 400


async def test_metrics_count_committed_calls(site: Site) -> None:
    site.ledger.put(record("call-1"))
    site.ledger.put(record("call-2"))
    await site.ledger.flush()
    text = ""
    while "farthing_calls_total{" not in text:  # observers hear of a batch just after its commit
        _, headers, body = await site("GET", "/metrics")
        text = body.decode()
    labels = 'model="gpt-4o",outcome="ok",provider="openai",wire="openai.chat"'
    assert f"farthing_calls_total{{{labels}}} 2.0" in text
    assert "farthing_ledger_delayed 0.0" in text and headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("anthropic", [False, True])
async def test_errors_have_the_client_s_shape(site: Site, anthropic: bool) -> None:
    version = {"anthropic_version": "2023-06-01"} if anthropic else {}
    status, headers, body = await site("GET", "/v1/nothing", **version)
    error = json.loads(body)
    assert status == 404 and headers["x-should-retry"] == "false"
    assert (error["type"] == "error") if anthropic else ("param" in error["error"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_wrong_methods(site: Site, method: str) -> None:
    for path in [format.path for format in FORMATS.values()]:
        status, headers, _ = await site(method, path)
        assert (status, headers["allow"]) == (405, "POST")


async def test_the_openapi_document_names_every_endpoint(site: Site) -> None:
    _, _, body = await site("GET", "/v1/farthing/openapi.json")
    paths = json.loads(body)["paths"]
    served = {route.path.replace(":path", "") for route in site.app.routes}  # type: ignore[attr-defined]
    assert served == set(paths)


async def test_feedback_on_one_s_own_calls(site: Site) -> None:
    mine, other = await site.add("mine"), await site.add("other")
    site.ledger.put(record("call-1", key_id="key-mine"))
    body = b'{"call_id":"call-1","verdict":"bad","score":0.1,"comment":"wrong"}'
    status, _, said = await site("POST", "/v1/farthing/feedback", key=mine, body=body)
    assert (status, json.loads(said)) == (200, {"call_id": "call-1", "verdict": "bad", "answers_dropped": 0})
    assert (await site("POST", "/v1/farthing/feedback", key=other, body=body))[0] == 404
    assert (await site("POST", "/v1/farthing/feedback", body=body))[0] == 401
    for odd in (b"", b"{}", b'{"call_id":"call-1","verdict":"so-so"}', b'{"call_id":1,"verdict":"bad"}'):
        assert (await site("POST", "/v1/farthing/feedback", key=mine, body=odd))[0] == 400


async def test_budgets_are_made_shown_raised_and_removed(site: Site) -> None:
    wanted = {"amount": 5_000_000_000, "scope": {"user": "*", "feature": "chat"}, "window": "week"}
    status, _, body = await site("PUT", "/v1/farthing/budgets/chat", body=json.dumps(wanted).encode())
    assert (status, json.loads(body)["scope"]) == (201, {"user": "*", "feature": "chat"})
    status, _, _ = await site("PUT", "/v1/farthing/budgets/chat", body=json.dumps(wanted).encode())
    assert status == 200
    more = {"amount": 7, "until_us": 3 * 10**15, "reason": "launch"}
    status, _, body = await site("POST", "/v1/farthing/budgets/chat/raise", body=json.dumps(more).encode())
    assert (status, json.loads(body)["raises"][0]["reason"]) == (200, "launch")
    _, _, body = await site("GET", "/v1/farthing/budgets")
    assert [each["id"] for each in json.loads(body)["data"]] == ["chat"]
    status, _, body = await site("GET", "/v1/farthing/budgets/chat")
    assert (status, json.loads(body)["standings"]) == (200, [])
    for wrong in (
        b'{"amount":-1}',
        b'{"amount":1,"window":"eon"}',
        b'{"amount":1,"scope":{"user":""}}',
        b"[]",
        b'{"amount":1,"zone":"\xff"}',
    ):
        assert (await site("PUT", "/v1/farthing/budgets/wrong", body=wrong))[0] == 400
    assert (await site("PUT", "/v1/farthing/budgets/a%20b", body=b'{"amount":1}'))[0] == 400
    assert (await site("DELETE", "/v1/farthing/budgets/chat"))[0] == 200
    assert (await site("DELETE", "/v1/farthing/budgets/chat"))[0] == 404
