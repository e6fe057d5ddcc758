"""What the ledger keeps of a call: one call, its attempts, the savings of its levers. Prompts and secrets are never in it.

Times are microseconds since 1970 (UTC) or durations in microseconds; amounts are nano-dollars.
"""

import msgspec

from farthing.model.charge import Charge
from farthing.model.money import Nano, Pico
from farthing.model.transaction import ToolUse
from farthing.model.usage import CostState, Usage

CACHE_HITS = ("exact", "semantic")
"""What `Record.cache` says of a call that Farthing's own cache answered."""


class PricedLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a cost: so many units at a rate."""

    unit: str
    count: int
    rate: Pico
    listed: Pico | None = None
    """The rate at list price, where a contract changed it."""


class Attempt(msgspec.Struct):
    """One try at one deployment, or one part of it that the provider bills at a model of its own."""

    no: int
    """1 for the first try of the call."""
    part: int = 0
    """0, or 1.. for the iterations inside one answer."""
    provider: str = ""
    deployment: str = ""
    model: str = ""
    """The model that was sent for."""
    served_model: str = ""
    """The model that ran, as the provider named it; empty where it did not say."""
    status: int = 0
    """HTTP status of the provider; 0 if it never answered."""
    outcome: str = "ok"
    """ok, error (the provider refused it), timeout, broken (it broke off), left (the client left), unreachable (there was
    no connection, so nothing was sent)."""
    started_us: int = 0
    first_byte_us: int = 0
    """Duration until the first byte of the answer; 0 if there was none."""
    duration_us: int = 0
    usage: Usage | None = None
    estimated: bool = False
    """The usage was counted by us, not reported."""
    raw_usage: bytes = b""
    tier: str = ""
    geo: str = ""
    cost_state: CostState = "unknown"
    cost: Nano = 0
    """What this attempt costs; 0 while `cost_state` is unpriced or unknown, which reports count apart."""
    list_cost: Nano = 0
    """The same at list price, where a contract changed it."""
    reported_cost: Nano | None = None
    """The provider's own price, where it sends one."""
    lines: list[PricedLine] = []
    price_version: str = ""
    """Version and valid-from date of the rate card that priced it."""
    flags: list[str] = []
    """Marks for people: usage_mismatch, reported_cost_differs, family_rate, ..."""
    error: str = ""


class Saving(msgspec.Struct, frozen=True):
    """What one lever took off: `before` - `after` - `overhead`, which may be negative."""

    lever: str
    before: Nano
    after: Nano
    overhead: Nano = 0
    estimated: bool = False

    @property
    def saved(self) -> Nano:
        return self.before - self.after - self.overhead


class Decision(msgspec.Struct, frozen=True):
    """What a step decided and why, for `explain` and the call's page."""

    step: str
    what: str
    why: str = ""


class Record(msgspec.Struct):
    """One call, as the meter hands it to the store. The law: baseline - sum(savings) == cost, to the nano-dollar."""

    id: str
    started_us: int
    wire: str
    """The format that the client speaks: openai.chat, openai.responses, openai.embeddings, anthropic.messages, ..."""
    model_asked: str = ""
    model: str = ""
    provider: str = ""
    deployment: str = ""
    tenant: str = "default"
    key_id: str = ""
    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    task: str = ""
    transaction: str = ""
    tags: dict[str, str] = {}
    stream: bool = False
    status: int = 0
    outcome: str = "ok"
    """ok, error (the provider or we refused it), left (the client left), broken (the provider broke off),
    interrupted (the gateway was killed)."""
    error: str = ""
    cost_state: CostState = "unknown"
    cost: Nano = 0
    baseline: Nano = 0
    in_tokens: int = 0
    cached_tokens: int = 0
    out_tokens: int = 0
    first_byte_us: int = 0
    duration_us: int = 0
    trace: str = ""
    """The client's W3C `traceparent`, so that its traces and this ledger find each other."""
    cache: str = ""
    """How Farthing's own cache answered: exact, semantic, or miss; empty where it had no part in the call."""
    tier: str = ""
    """Tier of the model that was chosen for the call: small, mid, flagship; empty where it was asked for by name."""
    template: str = ""
    """Fingerprint of the prompt's fixed part, 16 hex digits; empty where nobody looked."""
    session: str = ""
    """What the turns of one conversation have in common; a fingerprint, or what the caller named it."""
    arms: dict[str, bool] = {}
    """Lever -> whether the call went without it on purpose (hold-out)."""
    request_bytes: int = 0
    """Bytes of the request as the client sent it: how big the call is, whatever any lever made of it."""
    attempts: list[Attempt] = []
    savings: list[Saving] = []
    decisions: list[Decision] = []
    charges: list[Charge] = []
    """What budgets pay for the call."""
    tools: list[ToolUse] = []
    """Tools that the caller named with the call; kept with its transaction, so without one they are not kept."""


def model_that_ran(asked: str, served: str) -> str:
    """The model as reports name it: the one that the provider says it ran, unless that is just a date of the one asked for
    (gpt-4o-2024-08-06), which reports need not tell apart."""
    rest = served[len(asked) :]
    is_snapshot = served.startswith(asked) and (not rest or (rest[0] in "-@" and rest[1:5].isdigit()))
    return asked if is_snapshot or not served else served
