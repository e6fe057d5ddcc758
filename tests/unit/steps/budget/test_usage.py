"""What is charged where the provider does not say what it bills."""

from typing import Any

import msgspec
import pytest

from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.steps.budget.quote import Quote
from farthing.steps.budget.usage import used

QUOTE = Quote(100_000, 1_000, 100, 1, 5_000, True, True, 1)
CAME = Usage(uncached_in=80, out=40)


def money(outcome: str, state: str, *, usage: Usage | None = CAME, estimated: bool = False, cost: int = 120,
          drains: bool = False, quote: Quote = QUOTE) -> int:  # fmt: skip
    attempt: Any = Attempt(no=1, outcome=outcome, usage=usage, estimated=estimated, cost=cost)
    attempt.cost_state = state
    return used([attempt], quote, 3_000, 900, drains=drains)["money"]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (money("ok", "computed"), 120),
        (money("ok", "reported"), 120),
        (money("error", "computed", usage=None, cost=0), 0),
        (money("unreachable", "computed", usage=None, cost=0), 0),
        (money("ok", "estimated", estimated=True), 120),
        (money("left", "estimated", estimated=True), QUOTE.nano(40 + 256)),
        (money("left", "estimated", estimated=True, quote=msgspec.structs.replace(QUOTE, thinks=True)), QUOTE.nano(900)),
        (money("left", "estimated", estimated=True, drains=True), QUOTE.nano(3_000)),
        (money("left", "unknown", usage=None, cost=0), QUOTE.nano(900)),
        (money("broken", "unknown", estimated=True), QUOTE.nano(40 + 256)),
        (money("timeout", "unknown", usage=None, cost=0), QUOTE.nano(900)),
    ],
)  # fmt: skip
def test_amounts(found: int, wanted: int) -> None:
    assert found == wanted


def test_all_attempts_and_units() -> None:
    sent = [
        Attempt(no=1, usage=CAME, cost=7, cost_state="computed"),
        Attempt(no=1, part=1, usage=CAME, cost=5, cost_state="computed"),
    ]
    assert used(sent, QUOTE, 10, 10, drains=False) == {"money": 12, "tokens": 240, "calls": 1}
    assert used([], QUOTE, 10, 10, drains=False) == {"money": 0, "tokens": 0, "calls": 0}
