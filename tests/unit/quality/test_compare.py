import json
from typing import Any

import pytest

from farthing.model.asked import Asked
from farthing.quality.compare import Compared, Comparer, Pair
from farthing.quality.pairwise import PairJudge
from unit.quality.worlds import World, told

LONG = "and so on " * 30
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


async def compare(
    first: bytes, second: bytes, *, judge: bool = False, check: str = "auto", asked: Asked | None = None, **more: Any
) -> Compared:  # fmt: skip
    request = json.dumps({"messages": [{"role": "user", "content": "Say it"}], **more}).encode()
    comparer = Comparer(PairJudge(World().errands(), "judge" if judge else ""))
    return await comparer.compare(Pair("t", "openai.chat", request, first, second, asked, check))


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ("Rome.", " rome", 0),
        ("Rome", "Oslo", -1),
        ('{"b": 1.0, "a": [1]}', '{"a":[1],"b":1}', 0),
        ("", "Rome", -1),
        ("Rome", "", 1),
        ("", "", 0),
        (LONG, LONG, None),
        (LONG + "x", "Rome", -1),
        ("Rome", LONG, None),
    ],
)
async def test_without_a_judge(first: str, second: str, difference: int | None) -> None:
    assert (await compare(told(first), told(second))).difference == difference


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        (LONG + "right", LONG + "wrong", 1), (LONG + "wrong", LONG + "right", -1), (LONG + "right", LONG + "Right ", 0),
        ("right", "wrong", 1), (LONG, LONG, 0), ("right" + "x" * 20_000, "right", 0), ("right", "x" * 20_000, None),
    ],
)  # fmt: skip
async def test_with_a_judge(first: str, second: str, difference: int | None) -> None:
    assert (await compare(told(first), told(second), judge=True)).difference == difference


async def test_a_check_that_tells_them_apart_decides() -> None:
    good, other, bad = told('{"n": 1}'), told('{"n": 2}'), told('{"n": "x"}')
    apart = await compare(bad, good, response_format=FORMAT)
    assert (apart.difference, apart.by_check, apart.passed) == (-1, True, False)
    assert (await compare(good, bad, response_format=FORMAT)).difference == 1
    assert (await compare(bad, bad, response_format=FORMAT)).difference == 0
    same_shape = await compare(good, other, response_format=FORMAT)
    assert (same_shape.difference, same_shape.by_check, same_shape.passed) == (-1, False, True), (
        "the shape alone is no proof"
    )


async def test_a_check_that_the_operator_named_says_what_is_good() -> None:
    assert (await compare(told("abc"), told("abd"), check="regex:^ab")).difference == 0
    assert (await compare(told("xbc"), told("abd"), check="regex:^ab")).difference == -1


async def test_calls_of_tools() -> None:
    def calls(arguments: str, name: str = "f") -> bytes:
        return told(None, tool_calls=[{"type": "function", "function": {"name": name, "arguments": arguments}}])

    assert (await compare(calls('{"a":1}'), calls('{"a": 1.0}'))).difference == 0
    assert (await compare(calls('{"a":1}'), calls('{"a": 2}'))).difference == -1
    assert (await compare(calls("{}"), calls("{}", "g"))).difference == -1


async def test_what_cannot_be_read_or_judged() -> None:
    assert (await compare(b"{", told("a"))).difference is None
    assert (await compare(told(LONG), told("a " * 90))).why == "nobody to judge"
    labels = Asked(labels=(LONG.strip(), "b"))
    assert (await compare(told("b"), told(LONG), asked=labels)).difference == -1


async def test_a_judge_that_fails_says_so_and_cost_is_told() -> None:
    world = World()
    request = b'{"messages": [{"role": "user", "content": "q"}]}'
    comparer = Comparer(PairJudge(world.errands(), "judge"))
    pair = Pair("t", "openai.chat", request, told("right"), told("wrong"))
    assert (await comparer.compare(pair)).cost == 600
    world.fails.add("judge")
    failed = await comparer.compare(pair)
    assert failed.judge_failed and failed.difference is None
