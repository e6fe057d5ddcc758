from typing import Any

import pytest

from farthing.lab.captured import items_of
from farthing.lab.prompt import Prompt, read_prompt
from farthing.quality.evalset import EvalError
from farthing.store.captures import Captured


def prompt(last: str, first: str = "Sort it.") -> Prompt:
    return read_prompt(
        f"[[messages]]\nrole='system'\ntext='{first}'\n[[messages]]\nrole='user'\ntext='''{last}'''", "p"
    )


def call(text: str, answer: str = "billing", **more: Any) -> Captured:
    return Captured("c", text, answer, 0, **more)


def test_slots_are_filled_as_they_were() -> None:
    calls = [
        call("Ticket: I was charged twice (again).\nFrom: Ana, who is Ana "), call("Something else"),
        call("Ticket: later\nFrom: Ben, who is Ben", turns=2), call("Ticket: hard\nFrom: Cy, who is Cy", sample="left"),
        call("Ticket: x\nFrom: Di, who is Ed"), call("Ticket: y\nFrom: F, who is F", "A long answer. " * 9),
    ]  # fmt: skip
    form = prompt("Ticket: {{1}}\nFrom: {{name}}, who is {{name}}")
    found = items_of(form, calls)
    assert [item.inputs for item in found] == [
        {"1": "I was charged twice (again).", "name": "Ana"}, {"1": "y", "name": "F"}
    ]  # fmt: skip
    assert [item.case.answers for item in found] == [("billing",), ()] and not found[1].is_known


def test_what_cannot_be_told_is_said() -> None:
    with pytest.raises(EvalError, match="2 calls are captured of it, and none has the form"):
        items_of(prompt("Ticket: {{a}}"), [call("x"), call("Ticket: ")])
    with pytest.raises(EvalError, match="must be in the last message"):
        items_of(prompt("{{a}}", "Sort for {{b}}."), [call("x")])
