"""What the words mean with which providers say how a batch is. Knows nothing of HTTP.

Providers change their words without a word: one that is not here is shown as it is, said once in the log, and taken as
running until the window of the batch has ended.
"""

import logging

from farthing.upstream.batches.api import State

log = logging.getLogger("farthing.batches")

_OPENAI: dict[str, State] = {
    "validating": "running", "in_progress": "running", "finalizing": "running", "cancelling": "running",
    "canceling": "running", "completed": "ended", "expired": "ended", "cancelled": "ended", "canceled": "ended",
    "failed": "failed",
}  # fmt: skip
_ANTHROPIC: dict[str, State] = {
    "in_progress": "running", "canceling": "running", "cancelling": "running", "ended": "ended"
}  # fmt: skip
_MISTRAL: dict[str, State] = {
    "queued": "running", "running": "running", "cancellation_requested": "running", "success": "ended",
    "failed": "failed", "timeout_exceeded": "ended", "cancelled": "ended", "canceled": "ended",
}  # fmt: skip
STATES: dict[str, dict[str, State]] = {
    "openai": _OPENAI, "azure": _OPENAI, "groq": _OPENAI, "anthropic": _ANTHROPIC, "mistral": _MISTRAL
}  # fmt: skip
"""Kind of provider -> word, in lower case -> meaning."""

_MOST_WORDS = 100
_LONGEST = 64


class States:
    """The words of one provider."""

    def __init__(self, kind: str, provider: str) -> None:
        self._words = STATES[kind]
        self._provider = provider
        self._said: set[str] = set()

    def meaning(self, word: str) -> State:
        """What `word` means; `unknown` for one that is not known."""
        state = self._words.get(word.lower())
        if state is None:
            self._say(word)
            return "unknown"
        return state

    def settled(self, word: str, *, over: bool, has_results: bool) -> State:
        """The same, where it is known whether the window has ended and whether there are results: an unknown word is
        waited out no longer than that, and a batch that failed with results has ended."""
        state = self.meaning(word)
        if state == "unknown" and over:
            state = "failed"
        return "ended" if state == "failed" and has_results else state

    def _say(self, word: str) -> None:
        if word not in self._said and len(self._said) < _MOST_WORDS:
            self._said.add(word)
            log.warning(
                "%s calls a batch %r, which is not known here; it counts as running until its window ends.",
                self._provider, shown(word),
            )  # fmt: skip


def shown(word: str) -> str:
    """A provider's word in our pages and logs: short, and in one line."""
    return "".join(char if char.isprintable() else "?" for char in word[:_LONGEST])
