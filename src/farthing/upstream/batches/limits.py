"""How much a batch may hold: what providers publish, and what their refusals have taught about one account since.

Published figures are data with a date (`limits.json`). What is learned is kept in memory for some time: limits rise with
an account's tier, and a gateway that was started anew learns again. Knows nothing of packing.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import resources

import msgspec

from farthing.model.batch import Shard
from farthing.upstream.batches.api import TOKEN_LIMIT, TOO_LARGE, TOO_MANY_LINES, Limits

TOLD_S = 86_400.0
"""How long a figure is believed that the provider named."""
GUESSED_S = 3600.0
"""How long one that was only inferred."""
_MOST_MODELS = 1000
_LEAST_TOKENS = 1000
"""No account's limit is below; a smaller number in a message is something else."""
_ENQUEUED = re.compile(r"(?i)limit(?:\s+is|\s+of)?\s*[:=]?\s*(\d[\d,._]*)|(\d[\d,._]*)\s+enqueued\s+tokens")
_LINES = re.compile(r"(?i)(?:at most|maximum(?: of)?|limit(?: is| of)?:?)\s*(\d[\d,._]*)")


class _Known(msgspec.Struct):
    """What was learned of one model."""

    limits: Limits
    until: float


@cache
def published(kind: str) -> Limits:
    """Of a kind of provider. Raises KeyError for one without a batch API."""
    text = resources.files("farthing.upstream.batches").joinpath("limits.json").read_bytes()
    return msgspec.convert(msgspec.json.decode(text)[kind], Limits)


class Learned:
    """The limits of one account. `now` gives seconds that never go back."""

    def __init__(self, kind: str, now: Callable[[], float]) -> None:
        self.published = published(kind)
        self._now = now
        self._known: dict[str, _Known] = {}

    def of(self, model: str) -> Limits:
        """As they are believed to be now."""
        known = self._known.get(model)
        if known is None:
            return self.published
        if known.until <= self._now():
            del self._known[model]
            return self.published
        return known.limits

    def learn(self, code: str, message: str, shard: Shard, size: int = 0) -> None:
        """From a refusal of `shard`. `size` is what was sent, in bytes; other codes than those of limits teach nothing."""
        limits, told = self.of(shard.model), True
        if code == TOKEN_LIMIT:
            figure = _figure(_ENQUEUED, message)
            told = figure >= _LEAST_TOKENS
            limits = msgspec.structs.replace(limits, tokens=figure if told else _less(limits.tokens, shard.tokens))
        elif code == TOO_MANY_LINES:
            figure = _figure(_LINES, message)
            told = 0 < figure < shard.lines
            limits = msgspec.structs.replace(limits, lines=figure if told else _less(limits.lines, shard.lines))
        elif code == TOO_LARGE:
            told, limits = False, msgspec.structs.replace(limits, bytes=_less(limits.bytes, size or shard.bytes))
        else:
            return
        if len(self._known) >= _MOST_MODELS:
            self._known.pop(next(iter(self._known)))
        self._known[shard.model] = _Known(limits, self._now() + (TOLD_S if told else GUESSED_S))


def _figure(pattern: re.Pattern[str], message: str) -> int:
    """The first number that the message names as a limit; 0 for none."""
    found = pattern.search(message)
    text = next((group for group in found.groups() if group), "") if found else ""
    return int(re.sub(r"\D", "", text) or 0)


def _less(limit: int, refused: int) -> int:
    """A limit that the refused batch is above, so that the next one is smaller: three quarters of it."""
    guess = max(1, refused * 3 // 4)
    return min(limit, guess) if limit else guess
