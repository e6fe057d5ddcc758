"""Versions of the routing table: proposed, applied once, undone, and never by two at the same time."""

import asyncio

import pytest

from farthing.model.routes import ANY, Cell, Table
from farthing.store import Routes, Store, open_store


def a_table(model: str = "small-1") -> Table:
    return Table(
        cells={
            (ANY, "task:qa"): {
                model: Cell(model, 0.98, 0.96, 210, "measured", 88.5, "210 pairs"),
                "mid-1": Cell("mid-1", 1, 1),
            },
            ("acme", "template:00ff"): {model: Cell(model, 0.5, 0.25, state="demoted")},
        }
    )


async def test_without_any_the_table_is_empty(store: Store) -> None:
    routes = Routes(store)
    assert await routes.active() == Table()
    assert await routes.active_version() == 0
    assert await routes.history() == [] and await routes.proposals() == []
    assert await routes.undo("ana") == 0


async def test_a_proposal_that_is_applied_holds_as_it_was_made(store: Store) -> None:
    routes = Routes(store)
    version = await routes.propose(a_table(), "small-1 is as good for qa", "learner")
    assert await routes.active() == Table()
    (proposal,) = await routes.proposals()
    assert (proposal.version, proposal.base, proposal.why) == (version, 0, "small-1 is as good for qa")
    assert await routes.apply(version, "ana") is True
    held = await routes.active()
    assert (held.version, held.cells) == (version, a_table().cells)
    assert held.made_us > 0
    assert await routes.active_version() == version
    assert await routes.proposals() == []
    assert [(change.what, change.who, change.version, change.former) for change in await routes.history()] == [
        ("apply", "ana", version, 0),
        ("propose", "learner", version, 0),
    ]


async def test_what_was_applied_is_not_applied_again(store: Store) -> None:
    routes = Routes(store)
    version = await routes.propose(a_table(), "")
    assert await routes.apply(version, "ana")
    assert not await routes.apply(version, "bo")
    assert len(await routes.history()) == 2


async def test_a_proposal_made_on_another_version_is_not_applied(store: Store) -> None:
    routes = Routes(store)
    first = await routes.propose(a_table("a"), "")
    await routes.apply(first, "ana")
    late = await routes.propose(a_table("b"), "made before the first was applied", base=0)
    assert await routes.proposals() == []
    assert not await routes.apply(late, "bo")
    assert await routes.active_version() == first


async def test_a_newer_proposal_takes_the_place_of_the_former(store: Store) -> None:
    routes = Routes(store)
    first = await routes.propose(a_table("a"), "")
    second = await routes.propose(a_table("b"), "")
    assert [each.version for each in await routes.proposals()] == [second]
    assert not await routes.apply(first, "ana")
    assert await routes.apply(second, "ana")


async def test_undo_goes_back_step_by_step(store: Store) -> None:
    routes = Routes(store)
    versions = []
    for model in "ab":
        versions.append(await routes.propose(a_table(model), ""))
        await routes.apply(versions[-1], "ana")
    assert await routes.undo("bo", version=versions[0]) == versions[1]
    assert await routes.undo("bo") == versions[0]
    assert (await routes.active()).cells == a_table("a").cells
    assert await routes.undo("bo") == 0
    assert await routes.active() == Table()
    assert await routes.undo("bo") == 0
    assert [change.what for change in await routes.history(2)] == ["undo", "undo"]
    again = await routes.propose(a_table("c"), "")
    assert again > versions[1] and await routes.apply(again, "ana")


async def test_a_rejected_proposal_cannot_be_applied(store: Store) -> None:
    routes = Routes(store)
    version = await routes.propose(a_table(), "")
    assert await routes.reject(version, "ana")
    assert not await routes.reject(version, "ana")
    assert not await routes.apply(version, "bo")


async def test_a_version_that_never_was_is_said_to_be_none(store: Store) -> None:
    routes = Routes(store)
    with pytest.raises(ValueError, match="no version 9"):
        await routes.apply(9, "ana")
    with pytest.raises(ValueError, match="no version 9"):
        await routes.table(9)


async def test_of_many_that_apply_or_undo_at_once_one_wins(store: Store, url: str) -> None:
    stores = [await open_store(url) for _ in range(4)]
    gateways = [Routes(each) for each in stores]
    first = await gateways[0].propose(a_table("a"), "")
    assert sum(await asyncio.gather(*(each.apply(first, "all") for each in gateways))) == 1
    second = await gateways[0].propose(a_table("b"), "")
    await gateways[0].apply(second, "ana")
    assert set(await asyncio.gather(*(each.undo("all", version=second) for each in gateways))) == {first}
    assert len({change.no for change in await gateways[0].history()}) == 5
    for each in stores:
        await each.close()


async def test_old_versions_go_in_the_end(store: Store) -> None:
    routes = Routes(store)
    first = await routes.propose(a_table(), "")
    await routes.apply(first, "ana")
    for _ in range(210):
        last = await routes.propose(a_table(), "")
    assert (await routes.active()).cells == a_table().cells
    with pytest.raises(ValueError, match="any more"):
        await routes.table(first + 1)
    assert (await routes.table(last)).version == last
