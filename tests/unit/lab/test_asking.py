import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from farthing.lab.asking import Asking, Stopped, at_once
from farthing.lab.items import Item, read_items
from farthing.lab.prompt import AS_IT_IS, Variant, read_prompt
from farthing.lab.runs import Answers
from farthing.quality.compare import Comparer
from farthing.quality.pairwise import PairJudge
from unit.quality.worlds import COST, Rows, World

PROMPT = read_prompt(
    '[[messages]]\nrole="system"\ntext="Be kind. Say it."\n[[messages]]\nrole="user"\ntext="{{a}}"\n[[arms]]\nname="json"\n',
    "p",
)


def items(*more: dict[str, object]) -> list[Item]:
    return read_items([json.dumps(each).encode() for each in more], ["a"])


Make = Callable[..., Asking]


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(world: World, given: list[Item], *, bound: int | None = None, rows: Rows | None = None) -> Asking:
            answers = stack.enter_context(Answers(tmp_path / "kept.jsonl"))
            answers.start("run", bound)
            errands = world.errands(rows)
            return Asking(
                PROMPT, given, "big", at_once(errands, "t"), Comparer(PairJudge(errands, "")), answers, "t", bound
            )

        yield make


KNOWN = [{"input": f"n {at}", "answer": f"it {at}"} for at in range(40)]


def kind(world: World) -> None:
    """Right only where the prompt says to be kind."""
    world.answers = lambda model, prompt: (
        f"it {prompt.split()[-1]}" if "kind" in world.sent[-1]["messages"][0]["content"] else "no"
    )


async def test_variants_are_scored_by_known_answers_and_asked_once(asking: Make) -> None:
    world, rows = World(), Rows()
    kind(world)
    lab = asking(world, items(*KNOWN), rows=rows)
    first = await lab.scores(AS_IT_IS, range(40))
    second = await lab.scores(AS_IT_IS.less([0]), range(40))
    assert {each.score for each in first if each} == {1} and {each.score for each in second if each} == {0}
    assert first[0] is not None and (first[0].in_tokens, first[0].out_tokens, first[0].cost) == (10, 5, COST["big"])
    assert await lab.scores(AS_IT_IS, range(40)) == first
    assert len(world.sent) == 80 == lab.paid and {row.feature for row in rows.rows} == {"farthing lab"}
    again = asking(world, items(*KNOWN))
    assert await again.scores(AS_IT_IS, range(40)) == first and again.paid == 0


async def test_answers_that_change_by_themselves_are_counted(asking: Make) -> None:
    world = World()
    world.answers = lambda model, prompt: f"it {prompt.split()[-1] if len(world.sent) <= 40 else len(world.sent)}"
    lab = asking(world, items(*KNOWN))
    assert await lab.flips(range(40)) == 1.0


async def test_without_known_answers_the_old_prompts_are_the_measure(asking: Make) -> None:
    world = World()
    kind(world)
    lab = asking(world, items({"input": "n 1"}, {"input": "n 2"}))
    assert [each.score for each in await lab.scores(AS_IT_IS, range(2)) if each] == [1, 1]
    assert [each.score for each in await lab.scores(AS_IT_IS.less([0]), range(2)) if each] == [0, 0]


async def test_a_check_says_whether_the_form_was_met(asking: Make) -> None:
    world = World()
    world.answers = lambda model, prompt: "{}" if prompt.endswith("1") else "no"
    lab = asking(world, items({"input": "n 1", "check": "json"}, {"input": "n 2", "check": "json"}))
    assert [(each.score, each.parsed) for each in await lab.scores(AS_IT_IS, range(2)) if each] == [
        (1, True),
        (0, False),
    ]


async def test_it_stops_before_it_passes_the_bound(asking: Make) -> None:
    world = World()
    lab = asking(world, items(*KNOWN), bound=10 * COST["big"])
    with pytest.raises(Stopped, match="that were agreed"):
        await lab.scores(AS_IT_IS, range(40))
    # Before the first answer nobody knows what a call costs, so those that were sent together with it may be beyond it.
    assert len(world.sent) <= 10 + 8


async def test_calls_that_fail_end_the_run_and_are_not_kept(asking: Make) -> None:
    world = World()
    world.fails = {"big"}
    lab = asking(world, items(*KNOWN))
    with pytest.raises(Stopped, match="the provider answered 500"):
        await lab.scores(AS_IT_IS, range(40))
    world.fails = set()
    assert None not in await asking(world, items(*KNOWN)).scores(AS_IT_IS, range(40))


async def test_a_few_failures_are_items_that_do_not_count(asking: Make) -> None:
    world = World()
    lab = asking(world, items(*KNOWN))
    await lab.scores(AS_IT_IS, range(35))
    world.fails = {"big"}
    assert await lab.scores(AS_IT_IS, range(35, 38)) == [None] * 3


async def test_the_right_answer_in_an_arms_json_is_right(asking: Make) -> None:
    world = World()
    world.answers = lambda model, prompt: f'{{"label": "it {prompt.split()[-1]}"}}'
    lab = asking(world, items(*KNOWN[:3]))
    assert [each.score for each in await lab.scores(AS_IT_IS, range(3)) if each] == [0, 0, 0]
    assert [each.score for each in await lab.scores(Variant(arm="json"), range(3)) if each] == [1, 1, 1]
