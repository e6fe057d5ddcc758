"""A call of the past, as a log of any tool tells it: the one form that importers write and the planner replays.

What the log does not say stays empty: usage that is not known is None, never zero. Times are microseconds since 1970 (UTC),
durations are microseconds, amounts are nano-dollars. Knows no format, no price and no store.
"""

import msgspec

from farthing.model.money import Nano
from farthing.model.usage import Usage


class PastCall(msgspec.Struct, omit_defaults=True):
    """One request and what became of it."""

    id: str
    at_us: int
    """When it began."""
    tenant: str = "default"
    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    key: str = ""
    """Id or hash of the key that was used, never its secret."""
    tags: dict[str, str] = {}
    task: str = ""
    session: str = ""
    """What the turns of one conversation have in common."""
    model: str = ""
    """The model that ran; the one asked for where the log knows no other."""
    asked: str = ""
    """The model that was asked for, where the log says it apart."""
    provider: str = ""
    """As rate cards name it; empty where neither the log nor the model's name says it."""
    wire: str = ""
    """The format of `prompt` and `answer`: openai.chat, openai.responses, openai.embeddings, anthropic.messages."""
    usage: Usage | None = None
    """None where the log does not say: unknown, not zero. Of a call that a gateway's own cache answered: what the model
    would have been paid for."""
    estimated: bool = False
    """The usage was guessed by whoever wrote the log."""
    tier: str = ""
    """Service tier that served: "" (standard), flex, priority, batch, fast."""
    geo: str = ""
    status: int = 0
    """HTTP status; 0 where the log does not say."""
    outcome: str = "ok"
    """ok, error, left, broken, timeout, unreachable; as in the ledger."""
    error: str = ""
    duration_us: int = 0
    """0: not known; so below."""
    first_byte_us: int = 0
    reported_cost: Nano | None = None
    """What the log says that it cost. Kept beside our own price, never instead of it."""
    max_output: int | None = None
    """The request's own limit on output tokens."""
    prompt: bytes = b""
    """Body of the request in its wire; b"" is unknown."""
    answer: bytes = b""
    """Body of the answer, whole; b"" is unknown."""
    prompt_digest: bytes = b""
    """Keyed digest of the prompt, where its text was not kept: equal prompts have equal ones. So for the answer."""
    answer_digest: bytes = b""
    template: str = ""
    """Fingerprint of the prompt's fixed part, as in the ledger."""
    cached: bool = False
    """A gateway's own cache answered it: no provider was asked."""
    attempt_of: str = ""
    """Id of the call that it is a retry of."""
    raw_usage: bytes = b""
    """The usage as the log has it, as JSON."""
    flags: list[str] = []
    """Marks for people: what was odd about it."""
    source: str = ""
    """The format it was read from: litellm, langfuse, csv, ..."""
