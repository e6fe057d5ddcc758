"""What bodies have in common: kept when it comes again, within bounds, and read as if each body were read whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.blocks import Blocks, blocks
from farthing.wire.hint import with_hint
from farthing.wire.stems import LONGEST, MOST_ALIKE, MOST_KEYS, SHORTEST, Stem, Stems

LONG = "Be brief and keep to the facts. " * 60
CHAT, RESPONSES, MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"
HINT = "In three sentences."

texts = st.one_of(st.text(max_size=20), st.sampled_from(('"cache_control":', "\\u0061", "]", '"}],"messages":[', "")))
contents = st.one_of(texts, st.lists(st.builds(lambda text: {"type": "text", "text": text}, texts), max_size=3))
roles = st.sampled_from(("user", "assistant", "system", "developer"))
turns = st.lists(st.builds(lambda role, content: {"role": role, "content": content}, roles, contents), max_size=4)
marks = st.sampled_from(({}, {"cache_control": {"type": "ephemeral"}}))
numbers = iter(range(1_000_000_000))


def request(format: str, system: str, messages: list[Any], order: int) -> dict[str, Any]:
    """One with a long system prompt, its members in one of the orders that clients have."""
    if format == CHAT:
        members = {"messages": [{"role": "system", "content": system}, *messages]}
    elif format == RESPONSES:
        members = {"instructions": system, "input": messages}
    else:
        members = {"system": system, "messages": messages}
    all_members = {"model": "some-model-of-mine-there", **members, "tools": [{"name": "a"}], "temperature": 0}
    names = list(all_members)
    return {name: all_members[name] for name in names[order:] + names[:order]}


def told(found: Blocks | None) -> object:
    return None if found is None else (found.marked, found.places, found.digests, found.ends)


@given(st.sampled_from((CHAT, RESPONSES, MESSAGES)), st.integers(0, 4), turns, marks, st.sampled_from((None, 1)))
def test_a_body_is_read_alike_whether_its_beginning_is_known_or_not(
    format: str, order: int, messages: list[Any], mark: dict[str, Any], indent: int | None
) -> None:  # fmt: skip
    system = f"{next(numbers)} {LONG}"
    if messages:
        messages[-1] |= mark
    body = json.dumps(request(format, system, messages, order), indent=indent, ensure_ascii=False).encode()
    first = told(blocks(format, body))
    for number in range(3):
        question = {"role": "user", "content": f"Question {number}"}
        blocks(format, json.dumps(request(format, system, [question], order), indent=indent).encode())
    assert told(blocks(format, body)) == first


@given(st.sampled_from((CHAT, RESPONSES, MESSAGES)), st.integers(0, 4), turns, marks)
def test_a_line_goes_to_the_same_place_whether_the_beginning_is_known_or_not(
    format: str, order: int, messages: list[Any], mark: dict[str, Any]
) -> None:  # fmt: skip
    system = f"{next(numbers)} {LONG}"
    if messages:
        messages[-1] |= mark
    body = json.dumps(request(format, system, messages, order), ensure_ascii=False).encode()
    first = with_hint(format, body, HINT)
    for number in range(3):
        question = {"role": "user", "content": f"Question {number}"}
        with_hint(format, json.dumps(request(format, system, [question], order)).encode(), HINT)
    assert with_hint(format, body, HINT) == first


@pytest.fixture
def bodies() -> Iterator[tuple[bytes, bytes]]:
    head = b'{"messages":[{"role":"system","content":"' + b"a" * SHORTEST + b'"}'
    yield head, b'],"model":"m"}'


def test_what_was_kept_is_found_around_any_middle(bodies: tuple[bytes, bytes]) -> None:
    head, tail = bodies
    stems = Stems[int]()
    stems.keep("w", Stem(head, tail, 7))
    found = stems.find("w", head + b",{}" + tail)
    assert found is not None
    assert found.made == 7
    assert stems.find("w", head + tail) is not None
    assert stems.find("w", head + tail[1:]) is None
    assert stems.find("other", head + b",{}" + tail) is None


def test_beginning_and_end_do_not_overlap() -> None:
    stems = Stems[int]()
    stems.keep("w", Stem(b"[" * SHORTEST, b"[" * 10, 1))
    assert stems.find("w", b"[" * SHORTEST) is None


def test_it_is_kept_at_the_second_time_and_then_ever_more_seldom() -> None:
    stems = Stems[int]()
    assert [at for at in range(1, 40) if stems.is_worth_it("w", 5)] == [2, 4, 8, 16, 32]


def test_memory_is_bounded(bodies: tuple[bytes, bytes]) -> None:
    head, tail = bodies
    stems = Stems[int]()
    for number in range(MOST_ALIKE + 1):
        stems.keep("w", Stem(head + b"%d" % number, tail, number))
    assert stems.find("w", head + b"0" + tail) is None
    for number in range(MOST_KEYS + 1):
        stems.keep("w", Stem(b'{"%024d' % number + head, tail, number))
    assert stems.find("w", b'{"%024d' % 0 + head + tail) is None
    stems.keep("w", Stem(b"x" * LONGEST, tail, 1))
    assert stems.find("w", b"x" * LONGEST + tail) is None
