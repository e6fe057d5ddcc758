"""What breaks prefixes is told by its kind and place: a golden table, and laws that hold for all texts."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Place
from farthing.steps.shape.busters import KINDS, LONGEST_SHAPE, Block, compare, difference, shared_end, shared_start
from laws import examples

RULES = " Answer in two sentences, name the carrier, and promise no date. " * 40


def system(text: str) -> bytes:
    return json.dumps({"role": "system", "content": text}, ensure_ascii=False).encode()


def prompt(*texts: str) -> list[Block]:
    return [Block(Place(SYSTEM if not at else MESSAGE, at, 0), system(text)) for at, text in enumerate(texts)]


GOLDEN = [
    ("It is Tuesday, 24 November 2026, 14:03:21. ", "It is Wednesday, 25 November 2026, 09:13:21. ", "date", "a, 00 a 0000, 00:00:00"),
    ("It is 24 November 2026. ", "It is 25 November 2026. ", "date", "00 a 0000"),
    ("Today: Nov 24, 2026 ", "Today: Nov 25, 2026 ", "date", "a 00, 0000"),
    ("Now 2026-11-24T10:00:00Z. ", "Now 2026-11-24T10:07:31Z. ", "date", "0000-00-00a00:00:00a"),
    ("Now 2026-11-24. ", "Now 2026-12-01. ", "date", "0000-00-00"),
    ("At 10:04 ", "At 10:05 ", "date", "00:00"),
    ("Date 24/11/2026 ", "Date 25/11/2026 ", "date", "00/00/0000"),
    ("Happy Monday! ", "Happy Friday! ", "date", "a"),
    ("ts 1795600000 ", "ts 1795600731 ", "epoch", "0000000000"),
    ("ts 1795600000123 ", "ts 1795600731456 ", "epoch", "0000000000000"),
    ("id 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed ", "id 7c9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed ", "uuid", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    ("req 1b9d6bcdbbfd4 ", "req 1c9d6bcdbbfd4 ", "hex id", "xxxxxxxxxxxxx"),
    ("t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc ", "t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIy.xyz ", "jwt", "xxx.xxx.xxx"),
    ("Order 17. ", "Order 9231. ", "number", "0000"),
    ("You help Ana Lima. ", "You help Boris Petrov. ", "name", "a a"),
    ("You help José. ", "You help Zoë. ", "name", "a"),
    ("You help ana@example.com. ", "You help bo@example.org. ", "name", "a@a.a"),
    ("Be kind! Use (short) words; never shout. ", "Be firm: no <jokes>, please - ever; ok? ", "text", ""),
    ("One\n two ", "One two ", "whitespace", ""),
    ("One  two", "One two", "whitespace", ""),
    ('{"city": "Rome", "zip": 17} ', '{"zip": 17, "city": "Rome"} ', "key order", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kind", "shape"), GOLDEN, ids=[f"{each[2]}: {each[0][:24]}" for each in GOLDEN])
def test_what_changes_near_the_start_is_recognised(old: str, new: str, kind: str, shape: str) -> None:
    for one, other in ((old, new), (new, old)):
        found = difference(system(f"Hello. {one}{RULES}"), system(f"Hello. {other}{RULES}"))
        assert found.kind == kind and found.goes_on
        assert len(RULES) - 40 <= found.regained <= len(RULES) + 70
    found = difference(system(old + RULES), system(new + RULES))
    assert found.kind == kind and found.shape == shape
    assert found.offset == shared_start(system(old + RULES), system(new + RULES))


def test_several_changes_in_one_block_are_stepped_over() -> None:
    one = f"You help Ana. It is 3 of 4.{RULES}Ana has 7 orders.{RULES}"
    other = f"You help Bo. It is 9 of 7.{RULES}Bo has 12 orders.{RULES}"
    found = difference(system(one), system(other))
    assert found.kind == "name" and found.regained > 2 * len(RULES) and found.goes_on


def test_other_questions_break_nothing() -> None:
    before = prompt(RULES, "Where is my lamp? It was to come on Monday.")
    after = prompt(RULES, "I want to pay by invoice, and my order number is 4711.")
    found = compare(before, after, 1)
    assert found is None or found.regained < 60


def test_where_they_part_is_told_and_what_follows_is_counted_over_blocks() -> None:
    before = prompt(RULES, "It is 10:04.", RULES, RULES, "Where is my lamp, please?")
    after = prompt(RULES, "It is 10:05.", RULES, RULES, "How can I pay?")
    found = compare(before, after, 1)
    assert found is not None
    assert (found.kind, found.at) == ("date", 1)
    assert 2 * len(RULES) < found.regained < 2 * len(RULES) + 200


def test_equal_texts_that_a_provider_takes_for_others_are_a_matter_of_settings() -> None:
    found = compare(prompt(RULES, "a"), prompt(RULES, "b"), 0)
    assert found is not None and (found.kind, found.at, found.offset) == ("settings", 0, 0)
    assert compare(prompt(RULES), prompt(RULES, "b"), 1) is None


def tool(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "description": f"It does {name}.", "input_schema": {"type": "object", **more}}


def tools(*each: dict[str, object]) -> bytes:
    return json.dumps(list(each)).encode()


def test_tools_that_change_places_members_or_number() -> None:
    read, write, run, ask = (tool(name) for name in ("read", "write", "run", "ask"))
    base = tools(read, write, run)
    assert difference(base, tools(run, read, write), tools=True).kind == "tool order"
    swapped = dict(reversed(list(read.items())))
    assert difference(base, tools(swapped, write, run), tools=True).kind == "key order"
    assert difference(base, tools(write, swapped, run), tools=True).kind == "tool order"
    assert difference(base, json.dumps([read, write, run], indent=1).encode(), tools=True).kind == "whitespace"
    assert difference(base, tools(read, write, run, ask), tools=True).kind == "tools"
    dated = tool("run", description="Today is 24 November 2026.")
    other = tool("run", description="Today is 25 November 2026.")
    assert difference(tools(read, dated), tools(read, other), tools=True).kind == "date"


def test_comparing_stays_cheap_for_the_worst_texts() -> None:
    one, other = b"a1 " * 40_000, b"b2 " * 40_000
    begun = time.process_time()
    difference(b'"' + one + b'"', b'"' + other + b'"')
    difference(b'"' + b"0" * 120_000 + b'"', b'"' + b"1" * 120_000 + b'"')
    difference(b'"' + b"f0" * 60_000 + b'"', b'"' + b"0f" * 60_000 + b'"')
    assert time.process_time() - begun < 2.0


words = st.text(st.sampled_from('ab \n"\\0159é{}:,-T'), max_size=60)


@examples(150)
@given(st.lists(words, max_size=4), st.lists(words, max_size=4), st.integers(0, 4))
def test_any_two_prompts_can_be_compared_and_nothing_is_told_of_their_words(
    one: list[str], other: list[str], common: int
) -> None:
    before, after = prompt(*one), prompt(*other)
    common = min(common, len(before), len(after))
    found = compare(before, after, common)
    if found is not None:
        assert found.kind in KINDS and 0 < found.regained <= sum(len(each.raw) for each in after[common:])
        assert 0 <= found.offset <= len(after[found.at].raw)
        assert len(found.shape) <= LONGEST_SHAPE and not re.search(r"[1-9b-wyzé]", found.shape)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_shared_ends_are_those_of_the_bytes(one: bytes, other: bytes) -> None:
    start, end = shared_start(one, other), shared_end(one, other)
    assert (one[:start] == other[:start] and one[start : start + 1] != other[start : start + 1]) or one == other
    assert one[len(one) - end :] == other[len(other) - end :]


@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_bytes_that_are_no_json_do_no_harm(one: bytes, other: bytes, tools: bool) -> None:
    found = difference(b"[" + one, b"[" + other, tools=tools)
    assert 0 <= found.regained <= len(other) + 1


def test_places_of_tools_are_compared_as_tools() -> None:
    place = Place(TOOLS, -1, 0)
    names = [tool(f"tool{number}") for number in range(30)]
    before, after = Block(place, tools(*names)), Block(place, tools(*reversed(names)))
    found = compare([before], [after], 0)
    assert found is not None and found.kind == "tool order"
