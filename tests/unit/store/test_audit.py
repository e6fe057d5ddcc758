"""The audit log: each change that somebody makes has its entry, in the transaction of the change, on both engines."""

import asyncio
from contextlib import closing

import pytest

from farthing.model.budget import Budget, Raise
from farthing.model.principal import Key
from farthing.model.routes import ANY, Cell, Table
from farthing.store import Routes, Store, StoreError, audit, engine_for, hash_of, open_store
from farthing.store.alerts import Alerts, Change, Notice, Standing
from farthing.store.audit import AuditEntry
from farthing.store.budgets import Budgets
from farthing.store.corrections import Corrections, Entry
from farthing.store.engine import Connection
from farthing.store.rerates import Rerates, Wanted
from farthing.store.schema import migrate

KEY = Key("key-1", "web", hash_of("fk-secret"), tenant="acme", role="viewer", created_us=1)


async def log(store: Store, **asked: object) -> list[AuditEntry]:
    return await store.do(lambda connection: audit.entries(connection, **asked))  # type: ignore[arg-type]


async def said(store: Store, kind: str) -> list[tuple[str, str, str, str]]:
    found = [(each.target, each.what, each.tenant, each.who) for each in await log(store, kind=kind)]
    return found[::-1]


async def test_keys(store: Store) -> None:
    await store.add_key(KEY, who="ana")
    assert await store.rotate_key(KEY.id, hash_of("fk-other"), grace_s=9, who="ben")
    assert await store.revoke_key(KEY.id, who="")
    assert not await store.revoke_key(KEY.id, who="cleo") and not await store.rotate_key("none", b"", who="cleo")
    assert await said(store, "key") == [
        ("key-1", "made", "acme", "ana"), ("key-1", "rotated", "acme", "ben"), ("key-1", "revoked", "acme", "somebody"),
    ]  # fmt: skip
    made = (await log(store))[-1]
    assert made.detail["after"]["role"] == "viewer" and "hash" not in made.detail["after"]


async def test_budgets_with_how_they_were_and_are(store: Store) -> None:
    budgets = Budgets(store)
    await budgets.put(Budget("b", 5), who="ana")
    await budgets.put(Budget("b", 7), who="ben")
    await budgets.add_raise("b", Raise(1, 2 * 10**15, "launch"), who="ana")
    await budgets.remove("b", who="ana")
    assert not await budgets.remove("b", who="ana")
    await budgets.release("gone", who="ben")
    assert await said(store, "budget") == [
        ("b", "made", "default", "ana"), ("b", "changed", "default", "ben"), ("b", "raised", "default", "ana"),
        ("b", "removed", "default", "ana"), ("gone", "released", "default", "ben"),
    ]  # fmt: skip
    changed = (await log(store))[-2]
    assert (changed.detail["before"]["amount"], changed.detail["after"]["amount"]) == (5, 7)


async def test_budgets_that_settings_declare_are_noted_when_they_change(store: Store) -> None:
    budgets = Budgets(store)
    for declared in ([Budget("b", 5)], [Budget("b", 5)], [Budget("b", 6)], []):
        await budgets.declare(declared)
    assert await said(store, "budget") == [
        ("b", "made", "default", "farthing.toml"), ("b", "changed", "default", "farthing.toml"),
        ("b", "removed", "default", "farthing.toml"),
    ]  # fmt: skip


async def test_alerts_and_mutes(store: Store) -> None:
    alerts, burning = Alerts(store), Standing("a1", "acme", "day_spend", "feature", "agent", "alert")
    await alerts.decide(lambda known, mutes: Change([burning], [Notice("raised", burning, ())]))
    assert await alerts.acknowledge("acme", "a1", "ana") is not None
    assert await alerts.acknowledge("acme", "none", "ana") is None
    mute = await alerts.mute("acme", rule="", scope="feature:agent", until_us=3 * 10**15, who="ben", why="known")
    assert await alerts.unmute("acme", mute.id, who="ana") and not await alerts.unmute("acme", mute.id, who="ana")
    assert await said(store, "alert") == [("a1", "acknowledged", "acme", "ana")]
    assert await said(store, "mute") == [(mute.id, "made", "acme", "ben"), (mute.id, "removed", "acme", "ana")]


async def test_routes_corrections_and_runs_that_price_anew(store: Store) -> None:
    routes, table = Routes(store), Table(cells={(ANY, "task:qa"): {"small": Cell("small", 1.0, 0.99, 9, "measured")}})
    await routes.apply(await routes.propose(table, "why", "farthing"), "ana")
    await routes.undo("ben")
    await routes.reject(await routes.propose(table, "", ""), "cleo")
    assert await said(store, "route") == [
        ("1", "apply", "default", "ana"), ("0", "undo", "default", "ben"), ("2", "reject", "default", "cleo"),
    ]  # fmt: skip
    entries = [Entry(0, 5), Entry(0, -3, tenant="acme"), Entry(0, 4)]
    await Corrections(store).post(entries, who="ana", reason="the bill")
    assert await said(store, "correction") == [("1", "posted", "default", "ana"), ("2", "posted", "acme", "ana")]
    assert [each.detail for each in await log(store, kind="correction", tenant="default")] == [
        {"entries": 2, "amount": 9, "why": "the bill"}
    ]
    await Rerates(store).begin(Wanted(0, 9), who="ben", reason="a contract")
    assert await said(store, "rerate") == [("1", "begun", "default", "ben")]


async def test_a_change_that_fails_leaves_no_entry(store: Store, connection: Connection) -> None:
    await store.add_key(KEY)
    with pytest.raises(ValueError, match="there already"):
        await store.add_key(KEY)
    with pytest.raises(StoreError), connection.transaction():
        audit.note(connection, "key", "x", "made", tenant="default", who="ana")
        connection.execute("INSERT INTO no_such_table VALUES (1)")
    assert len(await log(store)) == 1


async def test_entries_of_many_at_once_have_numbers_without_gaps(store: Store, url: str) -> None:
    others = [await open_store(url) for _ in range(2)]
    budgets = [Budgets(each) for each in (store, *others)]
    await asyncio.gather(*(each.put(Budget(f"b{at}-{n}", 1)) for at, each in enumerate(budgets) for n in range(8)))
    await asyncio.gather(
        *(each.add_key(Key(f"k{at}", "", bytes([at] * 32))) for at, each in enumerate((store, *others)))
    )
    assert [each.no for each in await log(store)] == list(range(27, 0, -1))
    for each in others:
        await each.close()


async def test_pages_and_spans(store: Store) -> None:
    for n in range(5):
        await Budgets(store).put(Budget(f"b{n}", 1, tenant="acme" if n % 2 else "default"))
    first = await log(store, limit=2)
    rest = await log(store, before=first[-1].no)
    assert [each.target for each in (*first, *rest)] == ["b4", "b3", "b2", "b1", "b0"]
    assert [each.target for each in await log(store, tenant="acme")] == ["b3", "b1"]
    assert await log(store, since_us=first[0].at_us + 1) == [] == await log(store, until_us=rest[-1].at_us)
    assert [each.target for each in await log(store, kind="budget", target="b2")] == ["b2"]


async def test_words_that_no_database_keeps(store: Store, connection: Connection) -> None:
    with connection.transaction():
        audit.note(connection, "mute", "a\0b", "made", tenant="t\0", who="w" * 9_999, why="x\0y")
    (entry,) = await log(store)
    assert "\0" not in entry.target + entry.tenant and len(entry.who) <= 256 and entry.detail == {"why": "x\0y"}


async def test_keys_of_before_roles_keep_what_they_may(empty_url: str) -> None:
    engine = engine_for(empty_url)
    with closing(engine.connect()) as connection:
        migrate(engine, connection, 8)
        for at, admin in enumerate((0, 1)):
            connection.execute(
                "INSERT INTO keys (id, name, hash, tenant, tags, pinned, models, requests_per_minute, tokens_per_minute, "
                "admin, created_us, expires_us, revoked_us) VALUES (?, 'n', ?, 'default', '{}', '[]', '[]', 0, 0, ?, ?, 0, 0)",
                (f"key-{at}", bytes([at] * 32), admin, at),
            )
    store = await open_store(empty_url)
    assert [key.role for key in await store.keys()] == ["", "admin"]
    await store.close()
