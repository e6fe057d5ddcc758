import json

import pytest

from farthing.lab.items import read_items
from farthing.quality.evalset import EvalError


def lines(*items: dict[str, object]) -> list[bytes]:
    return [json.dumps(item).encode() for item in items]


def test_items() -> None:
    found = read_items(
        [
            b"\n",
            *lines({"input": "a", "answer": "x"}, {"prompt": "b", "check": "json"}, {"input": "c"}, {"input": "a"}),
        ],
        ["text"],
    )
    assert [item.inputs for item in found] == [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    assert [item.is_known for item in found] == [True, True, False] and found[0].case.answers == ("x",)


def test_several_slots() -> None:
    (item,) = read_items(lines({"input": {"q": "a", "c": "b", "more": "c"}}), ["q", "c"])
    assert item.inputs == {"c": "b", "q": "a"}


@pytest.mark.parametrize(
    ("line", "slots", "said"),
    [
        (b"{", ["a"], "line 1"), (b"{}", ["a"], "no input for a"), (b'{"input": "x"}', ["a", "b"], "an object with a, b"),
        (b'{"input": {"b": "x"}}', ["a"], "no input for a"), (b'{"input": "x", "check": "yaml"}', ["a"], "line 1: one of auto"),
        (b"", ["a"], "no item"), (b'{"input": "x", "answer": 1}', ["a"], "line 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(line: bytes, slots: list[str], said: str) -> None:
    with pytest.raises(EvalError, match=said):
        read_items([line], slots)
