"""What the answers to one kind of work are like: how many different ones there are, how evenly they are spread, and whether
they come from a closed set. Knows nothing of where they were kept."""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from farthing.store.captures import Captured

CLOSED_SHARE = 0.05
"""Of the calls: with no more different answers than this share of them (and never more than `MOST`), they are a closed set."""
MOST = 300
ALWAYS = 2
"""As few different answers as these are a closed set however few calls were seen."""
LEAST = 30
"""Calls without which nothing is said."""
TOP = 5


class Answers(msgspec.Struct, frozen=True):
    """Of the calls that were kept."""

    calls: int
    distinct: int
    """Case and white space around do not tell two apart."""
    entropy: float
    """Bits; Shannon's, corrected for the sample's size as Miller and Madow do: + (distinct - 1) / (2 n ln 2)."""
    top_share: float
    """Of the most frequent answer: what a student would reach that always says the same."""
    labels: tuple[str, ...]
    """The values that the requests' own schema allows; empty where it does not say."""
    repeated: float
    """Share of calls whose question came before, word by word."""

    @property
    def closed(self) -> bool | None:
        """Whether they come from a closed set; None where too few were seen."""
        if self.labels:
            return True
        if self.calls < LEAST:
            return None
        return self.distinct <= max(ALWAYS, min(MOST, CLOSED_SHARE * self.calls))


def look(calls: Sequence[Captured]) -> Answers:
    """What the answers of these calls are like."""
    counts = Counter(plain(each.answer) for each in calls)
    size = len(calls)
    labels = sorted({label for each in calls for label in each.labels})
    questions = {plain(each.text) for each in calls}
    return Answers(
        size, len(counts), entropy(list(counts.values())), max(counts.values(), default=0) / size if size else 0.0,
        tuple(labels), 1 - len(questions) / size if size else 0.0,
    )  # fmt: skip


def entropy(counts: Sequence[int]) -> float:
    """Bits of a draw from these counts (see `Answers.entropy`)."""
    size = sum(counts)
    if not size:
        return 0.0
    plug_in = -sum(count / size * math.log2(count / size) for count in counts if count)
    return plug_in + (sum(count > 0 for count in counts) - 1) / (2 * size * math.log(2))


def plain(text: str) -> str:
    """The text as answers and questions are compared."""
    return " ".join(text.split()).casefold()
