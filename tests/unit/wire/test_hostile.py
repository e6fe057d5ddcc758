"""Requests that nobody means well: whatever is in them, shaping, marks and all that looks at prompts gives an answer, and in a time
that grows with their size. What would take a square of it never ends here."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from farthing.model.marks import Context, Mark, Marks
from farthing.wire.blocks import blocks
from farthing.wire.client_marks import marked_messages
from farthing.wire.gemini_context import opening_of, with_context
from farthing.wire.hint import with_hint
from farthing.wire.marks import with_marks
from farthing.wire.repair import Repairer
from farthing.wire.shaping.shape import GUARDED, LOSSLESS, Shaper
from farthing.wire.turns import can_drop, told, turns, without

FORMATS = ("openai.chat", "openai.responses", "anthropic.messages")
ROWS = json.dumps([{"a": at, "b": "ü", "c": None} for at in range(9)], indent=2)
LONG = 60_000


def chat(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def tool(content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "x", "content": content}


def deep(count: int, opens: str = "[", closes: str = "]", inner: str = "") -> str:
    return opens * count + inner + closes * count


DEEP = {
    f"{name}, {count} deep": body
    for count in (900, 20_000)
    for name, body in {
        "an array in a result": chat(tool(deep(count))),
        "an object in a result": chat(tool(deep(count, '{"a":', "}", "1"))),
        "a body": b'{"messages":%s}' % deep(count).encode(),
        "a content": b'{"messages":[{"role":"user","content":%s}]}' % deep(count).encode(),
        "a schema": b'{"messages":[{"role":"user","content":"x"}],"tools":[{"name":"x","parameters":%s}]}'
        % deep(count, '{"properties":', "}", "{}").encode(),
    }.items()
}
BODIES = DEEP | {
    "one run of spaces": chat(user("x" + " " * LONG + "y \n")),
    "lines of spaces": chat(user((" " * 1_000 + "\n") * 60 + "x")),
    "one line end after another": chat(user(" \n" * LONG + "x")),
    "an array of spaces": chat(tool("[" + " " * LONG + "]")),
    "backslashes": chat(tool(json.dumps(["\\" * LONG, "\0" * 9_000]))),
    "quotes": chat(tool('{"a":"' + '\\"' * LONG + '"}')),
    "halves of pairs": chat(tool('["' + "\\ud800" * 9_000 + '"]')),
    "half a pair in the body": b'{"messages":[{"role":"user","content":"\\ud800 [1, 2,   3]"}]}',
    "half a pair in a result": b'{"messages":[{"role":"tool","content":"[1,   2, \\"\\ud800\\"%s]"}]}' % (b" " * 40),
    "no UTF-8": b'{"messages":[{"role":"tool","content":"[1,   2, \\"\xff\xfe\\"%s]"}]}' % (b" " * 40),
    "messages twice": b'{"messages":[{"role":"user","content":"a"}],"messages":%s}' % json.dumps([tool(ROWS)]).encode(),
    "a role twice": b'{"messages":[{"role":"assistant","content":%s,"role":"user"}]}' % json.dumps(ROWS).encode(),
    "members twice in a result": chat(tool('{"a": 1, "a": 2,' + " " * 40 + '"b": [1,   2]}')),
    "the same list many times": b'{"messages":[{"role":"user","content":"x"}],"z":[%s1]}'
    % (b'{"messages":[{"role":"user","content":"x"}]},' * 1_500),
    "many messages": chat(*[user("hi")] * 3_000),
    "many blocks": chat(user([{"type": "text", "text": "hi"}] * 3_000)),
    "many tools": chat(user("x"), tools=[{"name": f"t{at}", "parameters": {"title": "T"}} for at in range(1_500)]),
    "odd numbers": chat(tool("[" + ",  ".join(["1e999", "-0", "9" * 40] * 900) + "]")),
    "odd messages": chat(user(5), tool(None), {"role": 5}, {"role": None, "content": ROWS}, 5, None, "x", [1]),
    "a list for a role": chat({"role": ["user"], "content": "x"}, {"role": {}, "content": [{"type": [], "text": ROWS}]}),
    "a number for a type": chat({"role": "user", "type": 5, "content": "[1,  2]"}),
    "a result in base64": chat(user([{"type": "image", "source": {"type": "base64", "data": ROWS}}])),
    "nothing": b"", "null": b"null", "spaces": b"  ", "a number": b"1e999", "a list": b"[1]",
}  # fmt: skip


def mark(format: str, body: bytes) -> None:
    found = blocks(format, body)
    if found is not None and len(found):
        ttl = "5m" if format == "anthropic.messages" else "30m"
        with_marks(format, body, Marks(tuple(Mark(place, ttl, False) for place in found.places[-4:]), key="k"))


def trim(format: str, body: bytes) -> None:
    found = turns(format, body)
    if found is not None and len(found.turns) > 3 and can_drop(body, found, 1, 3):
        without(format, body, found, 1, 3, "gone")
        told(body, found.messages[1:3])


def context(format: str, body: bytes) -> None:
    opening = opening_of(body)
    with_context(body, Context("p", "m", "n", opening.raw if opening is not None else b"{", 0))


LOOKS: dict[str, Callable[[str, bytes], object]] = {
    "lossless": Shaper(frozenset(LOSSLESS)).shape, "everything": Shaper(frozenset(LOSSLESS + GUARDED)).shape,
    "marks": mark, "marks of the client": marked_messages, "turns": trim, "context": context,
    "hint": lambda format, body: with_hint(format, body, "Be brief."), "repair": Repairer().repaired,
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_nothing_raises_and_nothing_takes_long(name: str) -> None:
    body = BODIES[name]
    for each in (body, body.replace(b'"messages"', b'"input"')):
        for format in FORMATS:
            for look in LOOKS.values():
                look(format, each)
