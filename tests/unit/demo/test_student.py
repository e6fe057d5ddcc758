"""The model that learns to sort tickets: kept calls, training, a trial, answers, audits, its retreat when tickets change, and
the next one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farthing.demo import calendar
from farthing.demo.calendar import DAY_US, Piece
from farthing.demo.stage import make_keys
from farthing.demo.story import Plot, Story
from farthing.store import Store, open_store
from farthing.store.students import Students
from once import once
from unit.demo.month import NOW_US, rows, tell_days, url_of

START_US = calendar.start_of(NOW_US)
RECALL = calendar.accidents(START_US).recall
STAGES = (
    (1, calendar.STUDENT.day), (calendar.STUDENT.day, calendar.STUDENT.day + 4), (RECALL.start - 1, RECALL.stop + 7),
)  # fmt: skip
"""Learned, tried and at work; taken back; and what learned from the new ones."""


class Tickets(Story):
    """The days of one feature on which something happens."""

    def _pieces(self, day: int) -> list[Piece]:
        return [piece for piece in super()._pieces(day) if piece.feature.name == "ticket queue"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return url_of(once(tmp_path_factory, "tickets", lambda folder: asyncio.run(made(folder))))


async def made(folder: Path) -> None:
    keys, _ = await make_keys(folder, 7)
    await tell_days(Tickets(Plot(folder, keys, NOW_US, 7, 0.5, look_hours=(12,))), url_of(folder), *STAGES)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    yield opened
    await opened.close()


async def test_it_is_tried_promoted_audited_and_taken_back_on_the_days_of_the_story(store: Store) -> None:
    (version,) = [each for each in await Students(store).versions() if each.version == 1]
    assert version.scope.startswith("template:") and version.teacher == "gpt-5.5"
    assert version.made_us == START_US + calendar.STUDENT.day * DAY_US
    assert version.state == "retreated" and "its inputs drift" in version.why
    assert (version.changed_us - START_US) // DAY_US in range(RECALL.start, RECALL.stop + 1)
    looks = await Students(store).looks(version.tenant, version.scope, 1)
    seen = {kind: sum(each.compared for each in looks if each.kind == kind) for kind in ("shadow", "audit")}
    assert seen["shadow"] >= 80 and seen["audit"] > 0


async def test_what_it_saved_is_in_the_ledger_and_the_teacher_answers_again_when_it_has_gone(store: Store) -> None:
    found = await rows(
        store,
        "SELECT sum(s.before_cost - s.after_cost - s.overhead), count(*) FROM savings s JOIN calls c ON c.id = s.call_id "
        "WHERE s.lever = 'distillation' AND c.model = 'student' AND c.cost = 0",
    )
    ((saved, calls),) = found
    assert calls > 300 and saved > 4_000_000 * calls  # $0.004 each
    between = await rows(
        store,
        "SELECT DISTINCT model FROM calls WHERE feature = 'ticket queue' AND started_us BETWEEN "
        f"{await _taken_back(store)} AND {START_US + RECALL.stop * DAY_US}",
    )
    assert between == [("gpt-5.5",)]
    wrong = """SELECT id FROM calls c WHERE baseline - cost <>
        (SELECT coalesce(sum(before_cost - after_cost - overhead), 0) FROM savings s WHERE s.call_id = c.id)"""
    assert await rows(store, wrong) == []


async def test_one_that_learned_from_the_new_tickets_serves_at_the_end(store: Store) -> None:
    newest, former = await Students(store).versions()
    assert (newest.version, newest.state, former.state) == (2, "serving", "retreated")
    assert newest.made_us > former.changed_us
    last = await rows(store, "SELECT model FROM calls WHERE feature = 'ticket queue' ORDER BY started_us DESC LIMIT 40")
    assert last.count(("student",)) > 20


async def _taken_back(store: Store) -> int:
    return next(each.changed_us for each in await Students(store).versions() if each.version == 1)
