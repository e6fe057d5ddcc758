import asyncio
from collections.abc import Sequence

import pytest

from farthing.lab.optimise import Hopeless, optimise
from farthing.lab.page import page
from farthing.lab.plan import planned
from farthing.lab.prompt import Variant, read_prompt
from farthing.lab.report import for_machines, report_of
from farthing.lab.trial import Outcome
from unit.lab.test_prompt import FILE
from unit.lab.worlds import World

PROMPT = read_prompt(FILE.replace('may_go = ["label alone"]', ""), "p")
LOOSE = read_prompt(FILE, "p")
TEXTS = {part.text: part.id for part in PROMPT.parts}


async def test_the_whole_run() -> None:
    world = World(3, {TEXTS["Sort tickets."]}, loss=0.4, flips=0.0)
    noted: list[str] = []
    found = await optimise(PROMPT, world.scores, 200, 0.03, dict.fromkeys(TEXTS.values(), 1.0), noted.append)
    assert set(found.decided) == set(TEXTS.values()) and found.is_proved
    assert found.decided[TEXTS["Be polite."]].why == "you keep it"
    assert found.decided[TEXTS["- Answer with the label alone."]].why.startswith("protected: says the answer's form")
    assert found.decided[TEXTS["Ticket: {{ticket}}"]].why == "holds an input"
    assert found.variant.removed == {TEXTS["- Take care."], TEXTS["a\n-> b"], TEXTS["c\n-> d"]}
    assert found.variant.arm == "limit" and found.arms[0].saves > 0
    assert noted[0] == "the prompt as it is" and noted[-1] == "the proof, on 200 fresh items"


async def test_rounds_find_the_same_and_are_about_as_many_as_planned() -> None:
    world, at_once = (World(3, {TEXTS["Sort tickets."]}, loss=0.4, flips=0.0) for _ in range(2))
    under_way = rounds = 0

    async def scores(variant: Variant, numbers: Sequence[int]) -> list[Outcome | None]:
        nonlocal under_way, rounds
        rounds += not under_way
        under_way += 1
        await asyncio.sleep(0.001)
        found = await world.scores(variant, numbers)
        under_way -= 1
        return found

    found = await optimise(PROMPT, scores, 200, 0.03, {}, together=True)
    assert found.variant == (await optimise(PROMPT, at_once.scores, 200, 0.03, {})).variant
    assert rounds <= planned(PROMPT, 200, 0.03, None).rounds <= 2 * rounds


async def test_a_protected_part_that_may_go_has_a_trial_of_its_own() -> None:
    world = World(3, {TEXTS["Sort tickets."]}, loss=0.4, flips=0.0)
    found = await optimise(LOOSE, world.scores, 200, 0.03, {})
    assert found.decided[TEXTS["- Answer with the label alone."]].why == "no loss shown in 200 pairs of its own"
    world = World(3, {TEXTS["- Answer with the label alone."]}, loss=0.4, flips=0.0)
    found = await optimise(LOOSE, world.scores, 200, 0.03, {})
    assert "are lost" in found.decided[TEXTS["- Answer with the label alone."]].why


async def test_where_all_matters_nothing_is_proved() -> None:
    prompt = read_prompt("[[messages]]\nrole='user'\ntext='Sort it. {{a}}'", "p")
    world = World(3, {0}, loss=0.4)
    found = await optimise(prompt, world.scores, 200, 0.03, {})
    plan = planned(prompt, 200, 0.03, None)
    report = report_of(prompt, "m", plan, found, None, {0: 1, 1: 1}, world.calls, world.calls, 0)
    assert found.proof is None and report.verdict == "nothing in it was shown to be superfluous"
    assert for_machines(report)["proof"] is None and report.prompt == prompt.toml(found.variant)


async def test_a_prompt_that_is_always_wrong_has_nothing_to_lose() -> None:
    with pytest.raises(Hopeless, match=r"gets [0-9.]+ % of 200 items right"):
        await optimise(PROMPT, World(1, {0}, right=0.02).scores, 200, 0.03, {})


async def test_what_luck_let_go_is_caught_by_the_proof() -> None:
    """The first items do not need what fresh ones need."""

    class Changed(World):
        def _outcome(self, variant, number):  # type: ignore[no-untyped-def]
            return super()._outcome(variant.__class__() if number < 200 else variant, number)

    found = await optimise(PROMPT, Changed(3, {TEXTS["Sort tickets."]}, loss=0.4).scores, 200, 0.03, {})
    assert not found.is_proved and found.proof is not None and found.proof.verdict == "harms"
    plan = planned(PROMPT, 200, 0.03, None)
    shown = page(report_of(PROMPT, "m", plan, found, None, dict.fromkeys(TEXTS.values(), 1), 9, 9, None))
    assert ">would go: " in shown and ">goes: " not in shown and "<dd>?</dd>" in shown
