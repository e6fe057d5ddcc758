"""Whether a feature's answers may be a closed set, such as labels, from the outside: their kinds of work, and how few lengths
they have. A guess by its latest calls: good for a bound, not for a decision, since nobody has read an answer.

Knows nothing of prices and students.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from farthing.store import reading
from farthing.store.engine import Connection

MOST = 300
"""Calls of a feature that are looked at, the latest ones."""
LEAST = 30
"""With fewer nothing is said."""
LENGTHS = 8
"""So many labels may differ in length, and JSON around them is always the same; what is written freely has more lengths."""
OPEN = frozenset(("summarisation", "creative", "code", "rewrite", "embedding"))
"""Kinds of work whose answers are no closed set, however short they are."""


class Seen(NamedTuple):
    """An answer, as far as it tells."""

    task: str
    tokens: int


COLUMNS = ("task", "out_tokens")


def shares(
    connection: Connection, features: Sequence[str], since_us: int, until_us: int, tenant: str
) -> dict[str, float]:  # fmt: skip
    """By feature: what share of its answers may be labels. One look at an index each."""
    found: dict[str, float] = {}
    for feature in features:
        where = {"feature": feature} | ({"tenant": tenant} if tenant else {})
        seen = [Seen(*row) for row in reading.newest_rows(connection, COLUMNS, since_us, until_us, where, MOST)]
        if len(seen) >= LEAST:
            found[feature] = alike(seen) / len(seen)
    return found


def alike(seen: Iterable[Seen]) -> int:
    """How many are of a kind that may have labels, and of one of the commonest lengths."""
    lengths = Counter(each.tokens for each in seen if each.task not in OPEN and each.tokens)
    return sum(count for _, count in lengths.most_common(LENGTHS))
