import json

import pytest

from farthing.quality.compare import Comparer
from farthing.quality.evalset import EvalError, EvalSet, Found, is_right, read
from farthing.quality.pairwise import PairJudge
from farthing.upstream.simulator.tasks import bank
from farthing.wire.said import Said
from unit.quality.worlds import Rows, World


def lines(*cases: dict[str, object]) -> list[bytes]:
    return [json.dumps(case).encode() for case in cases]


async def run(world: World, cases: list[bytes], *models: str, judge: str = "judge") -> tuple[list[Found], list[float]]:
    noted: list[float] = []
    errands = world.errands()
    evals = EvalSet(errands, Comparer(PairJudge(errands, judge)), lambda model, difference: noted.append(difference))
    return await evals.run(read(cases), "big", models, "t"), noted


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 1"), (b'{"prompt": "a", "messages": [{}]}', "either"), (b'{"answer": "a"}', "either"),
        (b'{"prompt": "a", "check": "yaml"}', "one of auto"), (b"", "no case"), (b'{"prompt": 1}', "line 1"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_says_where(line: bytes, said: str) -> None:
    with pytest.raises(EvalError, match=said):
        read([line])


def test_lines() -> None:
    cases = read(
        [b"\n", *lines({"prompt": "a", "answer": ["x", "y"]}, {"messages": [{"role": "user", "content": "b"}]})]
    )
    assert [case.answers for case in cases] == [("x", "y"), ()]
    assert cases[0].messages == ({"role": "user", "content": "a"},)


@pytest.mark.parametrize(
    ("answer", "given", "right"),
    [
        ("Rome", "rome.", True), ("42", "So it is 6 x 7.\nAnswer: 42", True), ("42", "It is 42 apples.", True),
        ("42", "It is 41.", False), ('{"a": 1}', '{ "a": 1.0 }', True), ("B", "Answer: B", True), ("B", "A", False),
        ("1,200", "1200", False), ("1200", "1,200", True),
    ],
)  # fmt: skip
def test_what_is_right(answer: str, given: str, right: bool) -> None:
    assert is_right([answer], Said(given)) is right


async def test_models_are_scored_by_known_answers() -> None:
    world = World(small=0.5)
    world.answers = lambda model, prompt: (
        prompt.split()[-1] if model == "big" or world.dice.random() < 0.5 else "nothing"
    )
    cases = lines(*({"prompt": f"Say {number}", "answer": str(number)} for number in range(200)))
    (found,), noted = await run(world, cases, "small")
    assert found.cases == len(noted) == 200 and found.flagship_right == 1.0
    assert found.right is not None and abs(found.right - 0.5) < 0.15
    assert found.difference == pytest.approx(found.right - 1) and found.lower < found.difference
    assert found.cost == 200 * 100 and found.failed == 0


async def test_without_known_answers_they_are_compared() -> None:
    cases = lines(*({"prompt": f"Say {number}"} for number in range(20)))
    (found,), _ = await run(World(small=0.0), cases, "small")
    assert (found.right, found.difference, found.cases) == (None, -1.0, 20)


async def test_checks_of_cases() -> None:
    world = World()
    world.answers = lambda model, prompt: "yes" if model == "big" else "perhaps"
    (found,), _ = await run(world, lines({"prompt": "a", "check": "regex:^(yes|no)$"}), "small")
    assert (found.right, found.flagship_right, found.difference) == (0.0, 1.0, -1.0)


async def test_a_model_that_cannot_be_asked_has_failed_cases() -> None:
    world = World()
    world.fails.add("mid")
    found, noted = await run(world, lines({"prompt": "a", "answer": "b"}), "mid", "small")
    assert [each.failed for each in found] == [1, 0] and len(noted) == 1


async def test_its_calls_are_rows_of_their_own() -> None:
    rows = Rows()
    errands = World().errands(rows)
    evals = EvalSet(errands, Comparer(PairJudge(errands, "")), lambda model, difference: None)
    await evals.run(read(lines({"prompt": "a", "answer": "b"})), "big", ["small"], "t")
    assert [(row.feature, row.baseline, row.tenant) for row in rows.rows] == [("farthing eval", 0, "t")] * 2


def test_the_simulator_s_answers_are_known_as_right() -> None:
    for task in bank(60, kinds=("classification", "extraction", "fact", "choice", "arithmetic", "logic")):
        assert is_right([task.gold], Said(task.gold)), task
