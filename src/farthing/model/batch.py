"""Work that can wait: a job that somebody handed in, its lines, and the shards in which lines go to providers.

    job     what a client handed in: a batch, a file of prompts, or one deferred call
    line    one request of it; what is answered, exactly once
    shard   lines of one provider, model and format that are one batch at that provider

A line waits, is sent (in a shard, or alone), and ends; what became of it is in the ledger's row of `call_id`. Times are
microseconds since 1970, amounts nano-dollars. Knows nothing of stores, providers and prices.
"""

from typing import Any, Literal

import msgspec

from farthing.model.record import Decision

JobState = Literal["validating", "failed", "running", "finished", "expired", "cancelling", "cancelled"]
"""`failed`: nothing of it was run, since it was refused as a whole; `finished`: each line has ended, however."""
LineState = Literal["waiting", "sent", "done", "failed", "expired", "cancelled"]
"""`sent`: with a provider, or on its way there; the four others are ends but for `waiting`."""
ShardState = Literal["intent", "running", "ended", "settled", "failed"]
"""`intent`: written before the provider is asked, so that a crash is no second batch; `ended`: it has results to fetch."""
Way = Literal["batch", "flex", "now", "local"]
"""How a line is worked: a provider's batch, its cheap synchronous tier, an ordinary call, or our own idle server."""
Origin = Literal["openai", "anthropic", "call", "file", "schedule"]
"""Who handed a job in: a client of either batch API, an ordinary call that can wait, the command line, a schedule."""

LINE_ENDS: tuple[LineState, ...] = ("done", "failed", "expired", "cancelled")
JOB_ENDS: tuple[JobState, ...] = ("failed", "finished", "expired", "cancelled")


class Job(msgspec.Struct):
    """See the module."""

    id: str
    origin: Origin
    wire: str
    """The format of its lines, as `Call.wire`."""
    tenant: str
    created_us: int
    deadline_us: int
    """When each line must have ended."""
    key_id: str = ""
    headers: dict[str, str] = {}
    """Of the request that handed it in, as far as steps read them; never a secret."""
    state: JobState = "validating"
    priority: int = 0
    """Higher goes first within a tenant."""
    name: str = ""
    metadata: dict[str, str] = {}
    input_file: str = ""
    cap: int = 0
    """Most that it may cost; 0: no limit of its own."""
    webhook: str = ""
    expires_us: int = 0
    """When results are dropped; 0: never."""
    dropped: bool = False
    """Its prompts and answers are gone, and with them its lines."""
    total: int = 0
    done: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    cost: int = 0
    baseline: int = 0
    held: int = 0
    """What its lines that are with providers can cost at most."""
    started_us: int = 0
    """When the first line was sent; 0 before."""
    cancelled_us: int = 0
    """When its cancellation was asked for."""
    ended_us: int = 0
    errors: list["JobError"] = []
    """Why it failed."""

    @property
    def ended(self) -> int:
        """Lines that have ended."""
        return self.done + self.failed + self.expired + self.cancelled


class JobError(msgspec.Struct, frozen=True):
    """What is wrong with an input file; `line` counts from 1, 0 for the whole."""

    code: str
    message: str
    line: int = 0
    param: str = ""


class Line(msgspec.Struct):
    """See the module."""

    job: str
    no: int
    """From 0, in the order of the job. `job` and `no` name it."""
    custom_id: str
    """The client's; unique in the job."""
    tenant: str
    model: str
    """As it was asked for."""
    deadline_us: int
    size: int
    """Bytes of its body."""
    state: LineState = "waiting"
    wire: str = ""
    """Its job's."""
    queued_us: int = 0
    """When it was handed in; 0: with its job."""
    ready_us: int = 0
    """Not to be sent before; of one that somebody works on, until when it is theirs."""
    holder: str = ""
    """Who works on it: it was taken, or is sent alone."""
    priority: int = 0
    tries: int = 0
    """How often it was sent."""
    way: Way = "batch"
    """How it was sent last."""
    shard: str = ""
    call_id: str = ""
    """The ledger's row of its latest run; a new one for each run."""
    digest: bytes = b""
    """Of what it asks, within its tenant; empty where its answer may not stand for another's."""
    leader: str = ""
    leader_no: int = 0
    """Job and number of the line that asks the same and is with a provider, whose answer is to be this one's as well."""
    body: bytes = b""
    """The request as it was handed in; empty where it was not read, cannot be read, or was dropped."""
    status: int = 0
    """HTTP status of its answer; 0 before it has one."""
    answer: bytes = b""
    ended_us: int = 0


class Shard(msgspec.Struct):
    """See the module."""

    id: str
    """Also what the provider is told, where it takes a name or metadata: by it the batch is found after a crash."""
    provider: str
    """The provider's name in the settings."""
    deployment: str
    model: str
    """The model's name at the provider."""
    wire: str
    """The format that is spoken there."""
    state: ShardState = "intent"
    created_us: int = 0
    lines: int = 0
    bytes: int = 0
    tokens: int = 0
    """Input tokens, at an upper estimate: what the provider counts as enqueued."""
    remote_id: str = ""
    remote_file: str = ""
    """What was uploaded for it."""
    remote_state: str = ""
    """In the provider's own word."""
    output_file: str = ""
    error_file: str = ""
    window_end_us: int = 0
    """When the provider gives it up."""
    next_look_us: int = 0
    looks: int = 0
    holder: str = ""
    """Who works on it, until `held_until_us`."""
    held_until_us: int = 0
    ended_us: int = 0
    error: str = ""


class File(msgspec.Struct):
    """Bytes that a client uploaded, or that wait to be fetched."""

    id: str
    tenant: str
    purpose: str
    name: str
    created_us: int
    key_id: str = ""
    bytes: int = 0
    parts: int = 0
    ready: bool = False
    """All of it is there."""
    expires_us: int = 0
    """When it is dropped; 0: never."""


class Sent(msgspec.Struct, omit_defaults=True):
    """What of a line must be known when its answer comes from a shard: how it was prepared. No prompt is in it."""

    call_id: str = ""
    """The ledger's row of this run."""
    model: str = ""
    """That was chosen for it; empty: the one that it names."""
    tier: str = ""
    """Of the model, where it was chosen."""
    task: str = ""
    template: str = ""
    session: str = ""
    arms: dict[str, bool] = {}
    cache_ttl: str = ""
    """How long what it writes to the provider's cache is kept there."""
    flags: list[str] = []
    """Marks of the attempt."""
    decisions: list[Decision] = []
    kept: dict[str, Any] = {}
    """What steps left for themselves."""
    held: int = 0
    """What it can cost at most, in nano-dollars."""
    holds: list["Hold"] = []
    soft: list["Hold"] = []
    """Budgets that are charged and never refuse; nothing is held of them."""


class Hold(msgspec.Struct, omit_defaults=True):
    """What a budget keeps for a line that is with a provider. It outlives every gateway."""

    budget: str
    member: str
    window: str
    amount: int
    """In the budget's unit."""
    unit: str = "money"
    """money, tokens or calls."""
