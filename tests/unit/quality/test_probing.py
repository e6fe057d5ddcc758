"""The way back of demoted models: found when they are mended, and cheap to look at while they are not."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from farthing.model.routes import ANY, Cell, State, Table
from farthing.quality.choices import Exploring
from farthing.quality.evidence import Evidence
from farthing.quality.noninferiority import Counts
from farthing.quality.probing import FIRST_WAIT, LONGEST_WAIT, MENDED, PROBED, TESTED, Probing
from farthing.quality.recorder import Recorder
from farthing.quality.shadow import Drawn, Outcome
from farthing.quality.table import maker
from farthing.quality.tables import Tables
from farthing.quality.watch import floors_of
from farthing.settings import RoutingSettings
from farthing.steps.route.policy import Policies
from farthing.store import open_store
from farthing.store.evidence import Evidence as Kept
from farthing.store.routes import Routes
from stores import ready
from unit.quality.test_choices import Costs, Models
from unit.quality.worlds import a_call

SCOPES = ("task:qa", ANY)


class Small(Models):
    reference = "big"


def holding(state: State = "demoted", scope: str = "task:qa", model: str = "small", lower: float = 0.0) -> Table:
    return Table(cells={("t", scope): {model: Cell(model, 0.9, lower, state=state)}})


def waited(probing: Probing, scopes: Sequence[str] = SCOPES) -> int:
    """Drawn calls until it is probed."""
    for count in range(2 * LONGEST_WAIT):
        if probing.share("t", scopes, "small", 0.9):
            return count
    raise AssertionError("never")


def test_who_is_not_out_has_no_probe() -> None:
    assert Probing(Table).share("t", SCOPES, "small", 0.9) is None
    assert Probing(lambda: holding("measured", lower=0.95)).share("t", SCOPES, "small", 0.9, hopeless=True) is None
    assert Probing(holding).share("t", ("task:code", ANY), "small", 0.9) is None
    assert Probing(holding).share("other", SCOPES, "small", 0.9) is None


def test_who_is_hopeless_is_only_probed_until_it_is_in() -> None:
    probing = Probing(Table)
    assert probing.share("t", SCOPES, "small", 0.9, hopeless=True) == 0.0
    assert waited(probing) == FIRST_WAIT - 1
    assert probing.share("t", SCOPES, "small", 0.9) == PROBED, "it looks better now, and is not in"


def test_waits_grow_while_it_is_bad() -> None:
    probing = Probing(holding)
    waits = []
    for _ in range(9):
        waits.append(waited(probing))
        for difference in (-1, 0, -1, -1):
            assert probing.share("t", SCOPES, "small", 0.9) == PROBED
            probing.heard("t", SCOPES, "small", difference)
    assert waits == [min(LONGEST_WAIT, FIRST_WAIT * 2**at) for at in range(9)]


def test_who_seems_mended_is_tested_with_a_larger_share() -> None:
    probing = Probing(holding)
    waited(probing)
    probing.heard("t", SCOPES, "small", -1)
    for _ in range(MENDED):
        assert probing.share("t", SCOPES, "small", 0.9) == PROBED
        probing.heard("t", SCOPES, "small", 0)
    for difference in (-1, -1, -1, 1, -1, -1, -1):
        assert probing.share("t", SCOPES, "small", 0.9) == TESTED
        probing.heard("t", SCOPES, "small", difference)
    assert probing.share("t", SCOPES, "small", 0.9) == 0.0, "it fell again"


def test_an_alarm_ends_a_probe() -> None:
    probing = Probing(holding)
    probing.fell("t", "task:qa", "small")
    assert waited(probing) == FIRST_WAIT
    probing.fell("t", "task:qa", "small")
    assert waited(probing) == 2 * FIRST_WAIT


def test_a_test_has_patience_with_an_erring_judge_and_none_with_a_bad_model() -> None:
    def lasts(worse: float, better: float, seed: int) -> int:
        """Comparisons until it falls, of 1,000 at most, after it seemed mended."""
        dice, probing = random.Random(seed), Probing(holding)
        waited(probing)
        for _ in range(MENDED):
            probing.heard("t", SCOPES, "small", 0)
        for number in range(1_000):
            luck = dice.random()
            probing.heard("t", SCOPES, "small", -1 if luck < worse else 1 if luck < worse + better else 0)
            if not probing.share("t", SCOPES, "small", 0.9):
                return number
        return 1_000

    assert sum(lasts(0.02, 0.02, seed) == 1_000 for seed in range(40)) >= 34
    assert sorted(lasts(0.1, 0.0, seed) for seed in range(40))[20] < 150


def test_the_narrowest_scope_that_it_is_out_of_counts() -> None:
    table = holding(scope="template:x")
    probing = Probing(lambda: table)
    assert probing.share("t", ("template:y", "task:qa", ANY), "small", 0.9) is None
    assert waited(probing, ("template:x", "task:qa", ANY)) == FIRST_WAIT


def test_who_came_back_begins_with_the_shortest_wait_when_it_is_out_again() -> None:
    tables = [holding()]
    probing = Probing(lambda: tables[-1])
    waited(probing)
    for _ in range(3):
        probing.heard("t", SCOPES, "small", -1)
    tables.append(holding("measured", lower=0.95))
    assert probing.share("t", SCOPES, "small", 0.9) is None
    tables.append(holding())
    assert waited(probing) == FIRST_WAIT


def looked_at(skill: Callable[[int], float], calls: int, than: str = "mid") -> list[int]:
    """The drawn calls, by number, that a demoted model was asked about, where it is right so often."""
    dice = random.Random(3)
    probing = Probing(holding)
    explorer = Exploring(
        Models(), Costs(), Policies(RoutingSettings(deny=["tiny"], quality_floor=0.99)),
        lambda tenant, scope, model: Counts(), random.Random(1), probing,
    )  # fmt: skip
    found = []
    for number in range(calls):
        if explorer.promising(a_call(), than) == "small":
            found.append(number)
            probing.heard("t", SCOPES, "small", 0 if dice.random() < skill(number) else -1)
    return found


def test_a_model_that_stays_bad_is_looked_at_ever_more_rarely() -> None:
    found = looked_at(lambda number: 0.7, 20_000)
    thousands = Counter(number // 5_000 for number in found)
    assert 20 < len(found) < 200, "of 20,000"
    assert thousands[0] > max(thousands[1], thousands[2], thousands[3])


def test_a_model_that_was_mended_is_found_though_another_one_serves() -> None:
    found = looked_at(lambda number: 0.7 if number < 500 else 0.995, 2_500)
    since = [number for number in found if number >= 500]
    assert len(since) > 450, "enough for the bound of a floor of 0.99"


async def test_a_mended_model_is_back_in_the_table_though_the_judge_errs(tmp_path: Path) -> None:
    """Through evidence, alarm, probes and table: 20 points worse for a while, then as good again, where two comparisons in
    a hundred say worse and two better by mistake."""
    store = await open_store(ready(tmp_path, "ledger.db"))
    settings = RoutingSettings(deny=["tiny"], quality_floor=0.95, changes="apply")
    floors, now = floors_of(settings), [10**15]
    evidence = Evidence(Kept(store))
    probing = Probing(lambda: tables.table)
    recorder = Recorder(evidence, floors, now_us=lambda: now[0], probing=probing)
    tables = Tables(
        evidence, recorder, Routes(store), maker(Small()), floors, flagship=lambda: "big", changes="apply",
        now_us=lambda: now[0],
    )  # fmt: skip
    explorer = Exploring(
        Models(), Costs(), Policies(settings), lambda *place: evidence.counts(*place, "big"), random.Random(1), probing
    )  # fmt: skip
    dice = random.Random(5)

    def is_in() -> bool:
        cell = tables.table.cell("t", SCOPES, "small")
        return cell is not None and cell.state != "demoted" and cell.lower >= 0.95

    async def draw(calls: int, worse: float) -> int:
        """Drawn calls until it goes in or out, at most so many. Who is in serves, and is watched."""
        before = is_in()
        for number in range(calls):
            now[0] += 1_000_000
            serves = "small" if is_in() else "mid"
            if serves == "small" or explorer.promising(a_call(), serves) == "small":
                luck = dice.random()
                difference = -1 if luck < worse else 1 if luck < worse + 0.02 else 0
                drawn = Drawn(
                    "c", "t", SCOPES, "openai.chat", b"", b"", serves, "v", ("big",), "big", None, "auto", "qa", ""
                )
                recorder.compared(Outcome(drawn, "small", "v", difference, "", None, False))
            if number % 20 == 0 or recorder.alarmed.is_set():
                await tables.refresh()
            if is_in() != before:
                return number
        return calls

    await draw(5_000, 0.02)
    assert is_in()
    assert await draw(300, 0.22) < 300 and not is_in()
    assert await draw(1_500, 0.22) == 1_500
    assert await draw(2_000, 0.02) < 2_000 and is_in()
    await store.close()


def test_people_can_see_how_a_model_is_looked_at() -> None:
    probing = Probing(holding)
    assert probing.state("t", "task:qa", "small") == ""
    assert probing.share("t", SCOPES, "small", 0.9) == 0.0 and probing.state("t", "task:qa", "small") == "waits"
    waited(probing)
    assert probing.state("t", "task:qa", "small") == "probed"
    for _ in range(MENDED):
        probing.heard("t", SCOPES, "small", 0.0)
    assert probing.state("t", "task:qa", "small") == "tested"
