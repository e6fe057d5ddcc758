"""A call: the one value that walks the steps, and the answer that comes back.

Knows nothing of HTTP servers, providers or the store; what a step decided is in `call.trail`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

import msgspec

from farthing.model.asked import Asked
from farthing.model.charge import Charge
from farthing.model.marks import Marks
from farthing.model.principal import Key, Principal
from farthing.model.record import Attempt, Decision, Record, Saving
from farthing.model.transaction import ToolUse

Header = tuple[bytes, bytes]
Headers = list[Header]
"""Names in lower case, as ASGI has them."""


class Ask(msgspec.Struct):
    """What the steps need to know of a request's body, the same for every wire. The body itself stays as it came."""

    model: str
    stream: bool = False
    wants_usage: bool = True
    """False where the client did not ask a stream for usage: the gateway asks for it and hides it again."""
    max_output: int | None = None
    user: str = ""
    metadata: dict[str, str] = {}
    tier: str = ""
    """The service tier asked for."""
    wants_reasoning: bool = False
    """A Messages client asked for thinking; set by the translation, which shows another provider's reasoning only then."""
    cache_ttl: str = "5m"
    """The longest TTL that the request's own cache marks ask for; prices a cache write whose answer has no split."""
    choices: int = 1
    """How many answers the request asks for (`n`); each may be `max_output` long."""


class Trail:
    """What happened to a call: each step's decisions, the attempts, the savings."""

    __slots__ = ("attempts", "charges", "decisions", "savings")

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.attempts: list[Attempt] = []
        self.savings: list[Saving] = []
        self.charges: list[Charge] = []

    @property
    def last_attempt(self) -> Attempt | None:
        """The latest attempt itself, not a part of it that is billed apart."""
        for attempt in reversed(self.attempts):
            if not attempt.part:
                return attempt
        return None

    def note(self, step: str, what: str, why: str = "") -> None:
        self.decisions.append(Decision(step, what, why))


class Deployment(msgspec.Struct, frozen=True):
    """A model at a provider, as settings describe it. Holds no secret: `upstream` looks up the provider's key."""

    name: str
    """Label in reports: the model's name in the settings, or provider/model."""
    provider: str
    """The provider's name in the settings."""
    model: str
    """The model's name at the provider."""
    prices: str
    """The provider's name in the rate cards."""
    price_as: str = ""
    """The model to price as, where the provider's own name for it says nothing (an Azure deployment)."""
    weight: float = 1.0
    """Its share of the calls, where shares decide."""
    reserved: bool = False
    """Capacity that is paid for anyway."""
    region: str = ""
    """Where it runs; empty where nobody said."""
    requests_per_minute: int = 0
    """Its limit by the settings; 0 means none known. So for the two below."""
    tokens_per_minute: int = 0
    max_in_flight: int = 0
    prefill: str = ""
    """How its host goes on with an answer that was begun elsewhere: `message`, `prefix`, `continue`; empty where it
    cannot."""


Walk = Literal["live", "parking", "settling", "alone"]
"""Why a call walks the steps: for a client that waits; as a line of a job, to be prepared for a provider's batch; with the
batch's answer to it; or to be sent alone."""


Sample = Literal["", "held out", "audited", "drawn", "left"]
"""How a call that a model answers was come by, for whoever learns from such calls. Empty: no student answers calls of its
kind, so all are here. Held out from students; answered by one and drawn for an audit; given back by one and drawn alike;
given back and not drawn. The last are those that students find hard: with them, what is kept is no likeness of the traffic.
"""


class Caller(Protocol):
    """The connection of a client that waits. Whoever waits for long may hear of its end, and of the gateway's."""

    lost: bool
    on_lost: Callable[[], None] | None
    on_stop: Callable[[], None] | None


class Call:
    """One request of a client."""

    __slots__ = (
        "_record", "arms", "ask", "asked", "body", "cache", "caller", "deployment", "handed_over", "headers", "id", "kept", "key", "marks", "opening", "peer",
        "principal", "region", "sample", "sent_tier", "session", "size", "started", "started_us", "target", "targets", "task", "template", "tier", "tools", "trail",
        "walk", "wire",
    )  # fmt: skip

    def __init__(
        self, *, id: str, wire: str, headers: dict[bytes, bytes], peer: str, body: bytes, ask: Ask, started_us: int,
        started: float,
    ) -> None:  # fmt: skip
        self._record: Record | None = None
        self.id = id
        self.wire = wire
        self.headers = headers
        """The last value of each header, names in lower case."""
        self.peer = peer
        self.body = body
        self.size = len(body)
        """Bytes of the request as it came; `body` may be changed on its way."""
        self.ask = ask
        self.started_us = started_us
        """Wall clock, for the ledger."""
        self.started = started
        """Monotonic seconds, for durations."""
        self.principal = Principal()
        self.key: Key | None = None
        self.asked: Asked | None = None
        """What the request asks for; None where no step needed to know."""
        self.task = ""
        self.template = ""
        """Fingerprint of the prompt's fixed part; empty where it has none, or nobody looked."""
        self.session = ""
        """What the call's turns have in common: a header, the prompt cache's key, or how the conversation began."""
        self.arms: dict[str, bool] = {}
        """Lever -> whether the call goes without it on purpose. A lever that is not here keeps no hold-out."""
        self.targets: tuple[str, ...] = ()
        """Models to try, in this order; empty means the model that was asked for. `route` chooses them."""
        self.target = ""
        """The one of `targets` that is being tried; `balance` sets it."""
        self.tier = ""
        """Tier of the model that `route` chose: small, mid, flagship; empty where it had no part."""
        self.region = ""
        """Where it must be served; empty means anywhere."""
        self.sample: Sample = ""
        """Of which sample of its kind it is, where a student answers some of them."""
        self.cache = ""
        """How our own cache answered: exact, semantic, or miss; empty where it had no part."""
        self.marks: Marks | None = None
        """What the request is to say to its provider's prompt cache; None: what it says by itself."""
        self.opening = 0
        """Digest of how the prompt begins, the same for all calls of its kind; 0 where nobody looked."""
        self.deployment: Deployment | None = None
        """Where the next attempt goes; `balance` chooses it."""
        self.tools: list[ToolUse] = []
        """Tools that the caller names with it, for its transaction."""
        self.sent_tier = ""
        """The service tier that is asked for on Farthing's own behalf; empty: what the body says."""
        self.caller: Caller | None = None
        """The connection that its answer goes to; None where nobody waits at one."""
        self.walk: Walk = "live"
        self.handed_over = False
        """Somebody else answers and books it: a worker of the queue. The meter writes nothing."""
        self.kept: dict[str, Any] | None = None
        """What steps leave while it is parked, by their names, for the walk in which it is settled."""
        self.trail = Trail()

    @property
    def trace(self) -> str:
        """The client's `traceparent`; empty if it sent none, or one that is none."""
        sent = self.headers.get(b"traceparent", b"")
        return sent.decode("ascii", "replace") if len(sent) == 55 else ""

    @property
    def unit(self) -> str:
        """What is drawn for hold-outs, whole: its session, else its user, else itself; of its tenant."""
        return f"{self.principal.tenant}\0{self.session or self.principal.user or self.id}"

    def twin(self) -> "Call":
        """The same call with a trail of attempts of its own, to be sent elsewhere at the same time."""
        twin = Call(
            id=self.id, wire=self.wire, headers=self.headers, peer=self.peer, body=self.body, ask=self.ask,
            started_us=self.started_us, started=self.started,
        )  # fmt: skip
        for name in _KEPT:
            setattr(twin, name, getattr(self, name))
        trail = twin.trail
        trail.decisions, trail.savings, trail.charges = self.trail.decisions, self.trail.savings, self.trail.charges
        return twin

    def record(self, status: int, ending: "Ending", duration_us: int) -> Record:
        """The call as it stands, without amounts: one record from the first note of it to the ledger's row."""
        deployment = self.deployment
        record = self._record or self._new_record()
        record.status, record.outcome, record.error = status, ending.outcome, ending.error
        record.duration_us, record.cache, record.tier = duration_us, self.cache, self.tier
        if deployment is not None:
            record.model, record.provider, record.deployment = deployment.model, deployment.provider, deployment.name
        last = self.trail.last_attempt
        if last is not None:
            record.first_byte_us = last.first_byte_us
        return record

    def _new_record(self) -> Record:
        principal, trail = self.principal, self.trail
        self._record = Record(
            id=self.id, started_us=self.started_us, wire=self.wire, model_asked=self.ask.model,
            tenant=principal.tenant, key_id=principal.key_id, team=principal.team, project=principal.project,
            user=principal.user, feature=principal.feature, task=self.task, transaction=principal.transaction,
            tags=principal.tags, stream=self.ask.stream, trace=self.trace, template=self.template, session=self.session,
            arms=self.arms, request_bytes=self.size,
            attempts=trail.attempts, savings=trail.savings, decisions=trail.decisions,
            charges=trail.charges, tools=self.tools,
        )  # fmt: skip
        return self._record


_KEPT = (
    "arms", "asked", "cache", "key", "marks", "opening", "principal", "region", "sample", "sent_tier", "session", "size", "target", "targets", "task", "template", "tier",
)  # fmt: skip
"""What a twin has of the call beyond what it is made from."""


class Body(Protocol):
    """The rest of a streamed answer."""

    async def next(self) -> bytes:
        """The next bytes as they came, b"" at the end. Raises UpstreamError if the provider breaks off."""

    def leave(self) -> None:
        """The client left: drain or close upstream, as the provider bills; `ended` still fires."""


class Ending(msgspec.Struct, frozen=True):
    """How an answer ended."""

    outcome: str = "ok"
    error: str = ""


class Answer:
    """What goes back to the client: whole (`body`) or streamed (`stream`)."""

    __slots__ = ("_ended", "_on_end", "body", "headers", "status", "stream")

    def __init__(self, status: int, headers: Headers, body: bytes = b"", stream: Body | None = None) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
        self._on_end: list[Callable[[Ending], None]] = []
        self._ended: Ending | None = None

    def on_end(self, hear: Callable[[Ending], None]) -> None:
        """Call `hear` once, when the last byte is read and its usage known; at once if that is so already."""
        if self.stream is None:
            hear(Ending())
        elif self._ended is not None:
            hear(self._ended)
        else:
            self._on_end.append(hear)

    def end(self, ending: Ending) -> None:
        """The stream is over; only the first word counts. Each listener hears it, whatever happens to another: one of
        them books the call. Raises what the first to fail raised."""
        if self._ended is not None:
            return
        self._ended = ending
        failed: Exception | None = None
        for hear in self._on_end:
            try:
                hear(ending)
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed


Proceed = Callable[[Call], Awaitable[Answer]]
"""The rest of the pipeline."""
