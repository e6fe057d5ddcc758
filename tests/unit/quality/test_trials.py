"""Who gets a control on trial, and what is heard of its calls."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from farthing.model.call import Answer, Ask, Call, Ending
from farthing.model.principal import Principal
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.quality.trials import KEPT_WITHOUT, Trials
from farthing.steps.shape.control import Drawn, note_drawn
from farthing.store import Store, StoreError, open_store
from farthing.store.controls import Controls, ControlState, ControlSums
from farthing.wire.asked import asked
from stores import ready

NOW_US = 20_000 * 86_400_000_000
SCOPE = "feature:triage"
LABELS = "Sort tickets."
DRAWN = [Drawn("effort low", True, 0)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await open_store(ready(tmp_path, "ledger.db"))
    yield made
    await made.close()


class Failing(Controls):
    fails = False

    async def add(self, seen: Sequence[ControlSums]) -> None:
        if self.fails:
            raise StoreError("away")
        await super().add(seen)


def trials(kept: Controls, **more: object) -> Trials:
    return Trials(kept, 0.5, lambda call: "regex:^(billing|account)$", lambda scope: 0.05, lambda: NOW_US, **more)  # type: ignore[arg-type]


def call_of(session: str = "s1", text: str = "I cannot log in", feature: str = "triage") -> Call:
    body = json.dumps({"messages": [{"role": "system", "content": LABELS}, {"role": "user", "content": text}]}).encode()
    call = Call(
        id=f"call-{session}", wire="openai.chat", headers={}, peer="", body=body, ask=Ask("m"), started_us=NOW_US, started=0.0
    )  # fmt: skip
    call.principal, call.session, call.asked = (
        Principal(tenant="t", feature=feature),
        session,
        asked("openai.chat", body),
    )
    call.trail.attempts.append(Attempt(no=1, usage=Usage(out=12), cost=30, cost_state="computed"))
    return call


def said(text: str, finish: str = "stop") -> Answer:
    whole = {"choices": [{"message": {"content": text}, "finish_reason": finish}]}
    return Answer(200, [], json.dumps(whole).encode())


async def test_what_came_of_calls_is_counted_in_their_arm(store: Store) -> None:
    kept = Controls(store)
    made = trials(kept)
    made.watch(call_of("s1"), said("account"), SCOPE, DRAWN, 0)
    made.watch(call_of("s1"), said("Let me think"), SCOPE, DRAWN, 0)
    made.watch(call_of("s1", "another"), said("acc", "length"), SCOPE, DRAWN, 0)
    made.watch(call_of("s1", "no"), Answer(400, [], b"{}"), SCOPE, DRAWN, 0)
    made.failed(call_of("s1", "away"), SCOPE, DRAWN)
    await made.write()
    (found,) = await kept.sums(0)
    assert (found.calls, found.failed, found.answers, found.cut, found.asked_again) == (5, 2, 3, 1, 1)
    assert (found.checked, found.check_bad, found.counted, found.out_tokens, found.cost) == (3, 2, 3, 36, 90)
    await made.write()
    assert len(await kept.sums(0)) == 1


async def test_people_are_heard_once_and_only_of_calls_on_trial(store: Store) -> None:
    kept = Controls(store)
    made = trials(kept)
    call = call_of()
    note_drawn(call, DRAWN[0])
    note_drawn(call, Drawn("shorter 1", False, 0))
    record = call.record(200, Ending(), 1)
    for _ in range(2):
        await made.take(record, good=False)
    await made.take(call_of("other").record(200, Ending(), 1), good=False)
    await made.write()
    found = {(each.control, each.treated): (each.judged, each.judged_bad) for each in await kept.sums(0)}
    assert found == {("effort low", True): (1, 1), ("shorter 1", False): (1, 1)}


async def test_answers_of_a_schema_are_held_against_it_in_both_arms(store: Store) -> None:
    kept = Controls(store)
    made = trials(kept, schemas={"triage": {"type": "object", "required": ["label"]}})
    for treated in (True, False):
        drawn = [Drawn("schema 1", treated, 0)]
        made.watch(call_of("s1", f"a {treated}"), said('{"label": "x"}'), SCOPE, drawn, 0)
        made.watch(call_of("s1", f"b {treated}"), said("{}"), SCOPE, drawn, 0)
        made.watch(call_of("s1", f"c {treated}"), said("no JSON"), SCOPE, drawn, 0)
    await made.write()
    assert [(each.checked, each.check_bad) for each in await kept.sums(0)] == [(3, 2), (3, 2)]


async def test_draws_stay_and_follow_the_salt(store: Store) -> None:
    made = trials(Controls(store))
    units = [f"s{at}" for at in range(400)]
    first = [made.draws("t", unit, "effort low", 0.5) for unit in units]
    assert first == [made.draws("t", unit, "effort low", 0.5) for unit in units] and 150 < sum(first) < 250
    more = [made.draws("t", unit, "effort low", 0.9) for unit in units]
    assert all(now for before, now in zip(first, more, strict=True) if before), "who has it keeps it"
    made.hold_out({}, "salt")
    assert first != [made.draws("t", unit, "effort low", 0.5) for unit in units]


async def test_a_state_is_found_kept_and_taken_over(store: Store) -> None:
    kept = Controls(store)
    made, other = trials(kept), trials(kept)
    await made.start(keeps=False)
    for at in range(300):
        treated = at % 2 == 0
        made.watch(call_of(f"s{at}", f"text {at}"), said("account"), SCOPE,
                   [Drawn("effort low", treated, 0)], 0)  # fmt: skip
        await asyncio.sleep(0)
    harmful = [Drawn("shorter 1", False, 0)], [Drawn("shorter 1", True, 0)]
    for at in range(300):
        made.watch(
            call_of(f"s{at}", f"words {at}"), said("account" if at % 2 == 0 else "Hm"), SCOPE, harmful[at % 2], 0
        )
        await asyncio.sleep(0)
    await made.look()
    stand = made.stand("t", SCOPE, "shorter 1")
    assert (stand.state, stand.share, stand.phase) == ("off", 0.0, 1) and "check" in stand.why
    assert made.stand("t", SCOPE, "effort low").state == "trial", "nothing fell"
    await other.start(keeps=True)
    assert other.stand("t", SCOPE, "shorter 1").state == "off"
    assert await kept.change(ControlState("t", SCOPE, "effort low", "on", 1, NOW_US, "good"))
    await other.close()
    assert other.stand("t", SCOPE, "effort low").share == 1 - KEPT_WITHOUT


async def test_what_the_store_did_not_take_is_added_the_next_time(store: Store) -> None:
    kept = Failing(store)
    made = trials(kept)
    made.failed(call_of(), SCOPE, DRAWN)
    kept.fails = True
    with pytest.raises(StoreError):
        await made.write()
    made.failed(call_of(), SCOPE, DRAWN)
    kept.fails = False
    await made.write()
    (found,) = await kept.sums(0)
    assert found.calls == 2
