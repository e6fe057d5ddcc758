"""A business transaction: a unit of work, such as a ticket that was answered, which calls and tools serve. What it is named,
and how it can end. Knows nothing of how its cost is summed."""

from typing import Literal

import msgspec

from farthing.model.money import Nano

Outcome = Literal["resolved", "accepted", "failed"]
SUCCESSES = ("resolved", "accepted")
OUTCOMES = (*SUCCESSES, "failed")


class ToolUse(msgspec.Struct, frozen=True):
    """Tools or external calls of one kind that served a transaction."""

    name: str
    count: int
    cost: Nano | None
    """Of all of them; None where the price list has none."""


def split_name(name: str) -> tuple[str, str]:
    """Type and id of a transaction as calls name it: `support_resolution/T-1042`. Without a type it is all id."""
    kind, slash, id_ = name.partition("/")
    return (kind, id_) if kind and slash and id_ else ("", name)


def joined_name(kind: str, id_: str) -> str:
    """The name that `split_name` takes apart."""
    return f"{kind}/{id_}" if kind else id_
