"""What the queue asks of a provider's batch API, whichever it is, and what it is told.

A batch is created at most once: `create` never tries again by itself, and says which of three things happened. It was
created; it surely was not (`Refused`, `UpstreamError`); or nobody can tell (`Unsure`), and then `find` looks for it before
anything is created again. Knows nothing of the store, of jobs and of prices.
`batch_api` of this folder gives the one of a provider.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from typing import Literal, Protocol

import msgspec

from farthing.model.batch import JobError, Shard

State = Literal["running", "ended", "failed", "unknown"]
"""`ended`: there are results to fetch, maybe not of all lines; `failed`: no line was run or will be; `unknown`: a word
that is not known, to be taken as running until the window ends."""

EXPIRED = "batch_expired"
CANCELLED = "batch_cancelled"
NO_STATUS = "no_status"
"""The provider says that a line is done, but not how. It was not billed as far as can be known; it may be tried again."""
TOKEN_LIMIT = "token_limit_exceeded"
"""As `Refused.code` and as a code in `Look.errors`: all queued batches of the account hold too many tokens."""
TOO_LARGE = "request_too_large"
TOO_MANY_LINES = "too_many_tasks"


class Limits(msgspec.Struct, frozen=True):
    """How much one batch may hold. 0: no limit is known."""

    lines: int = 0
    bytes: int = 0
    """Of what `encode` gives."""
    tokens: int = 0
    """Enqueued input tokens of a model, over all batches of the account that are not over."""
    inputs: int = 0
    """Texts in all lines together, where lines are for embeddings."""
    least_lines: int = 1
    window_s: int = 86_400
    at_once: int = 0
    """Batches that may be under way."""
    an_hour: int = 0
    """Batches that may be created in an hour."""


class Created(msgspec.Struct, frozen=True):
    """A batch as the provider took it."""

    remote_id: str
    remote_file: str = ""
    window_end_us: int = 0
    """When the provider gives it up."""


class Maybe(msgspec.Struct, frozen=True):
    """It cannot be told yet whether there is such a batch: ask again after so many seconds, create nothing."""

    again_s: float
    why: str = ""


class Told(msgspec.Struct, frozen=True):
    """What a batch says of itself, in our terms."""

    word: str
    """How it is, in the provider's own word, to be shown."""
    output_file: str = ""
    """Where its results are: a file's id, or a URL. Empty: none yet."""
    error_file: str = ""
    done: int = 0
    """Lines that have ended, however, as far as the provider says; some say it only at the end."""
    total: int = 0
    errors: list[JobError] = []
    window_end_us: int = 0
    """As the provider says it now; 0 where it does not."""
    remote_file: str = ""
    """What was uploaded for it."""


class Look(Told, frozen=True, kw_only=True):
    """A batch as it is now: what it says of itself, and what that means."""

    state: State


class Result(msgspec.Struct, frozen=True):
    """What became of one line."""

    custom_id: str
    status: int
    """As an HTTP call would have it; 0: it has none, and `error_code` says why."""
    body: bytes = b""
    """The answer, or the error in the wire's own shape; empty where there is none."""
    error_code: str = ""
    """`batch_expired`, `batch_cancelled`, `no_status`, or the provider's own code. Empty where the status says all."""


class Refused(Exception):
    """The provider says no: nothing was created, and the same again will be refused again, unless `retry_after` is given."""

    def __init__(self, code: str, message: str, retry_after: float | None = None, *, status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        """The provider's word where it has one (`token_limit_exceeded`, `request_too_large`, `not_found`), or `http_STATUS`."""
        self.message = message
        self.retry_after = retry_after
        """Seconds; None: not worth another try as it is."""
        self.status = status


class Unsure(Exception):
    """The reply was lost, or was a server's error: the batch may have been created. `find` must be asked first."""

    def __init__(self, message: str, remote_file: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remote_file = remote_file
        """What was uploaded for it, by which it is found faster; empty where nothing was."""


class BatchApi(Protocol):
    """The batch API of one account at one provider. Methods that ask it raise UpstreamError where it cannot be asked now,
    and Refused where it says no."""

    @property
    def kind(self) -> str:
        """openai, azure, groq, anthropic, mistral."""

    @property
    def limits(self) -> Limits:
        """As published; `limits_for` knows what this account was told since."""

    def limits_for(self, model: str) -> Limits:
        """The limits of a batch of that model (its name at the provider), with what refusals have taught."""

    def serves(self, wire: str, body: bytes) -> str:
        """Empty, or why such a line cannot go into a batch there, in words for people."""

    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes:
        """What `create` sends, whole, from pairs of a custom_id (see `custom_id`) and a body as for a synchronous call.
        `name` is the shard's id, for the name of the file. Nothing else should look into it; its length is what
        `Limits.bytes` counts."""

    def cost_of(self, custom_id: str, body: bytes) -> int:
        """How many bytes such a line adds to what `encode` gives."""

    async def create(self, shard: Shard, data: bytes) -> Created:
        """Create the batch, once. Raises Refused or UpstreamError where it surely was not created, Unsure where it may
        have been. A caller that is cancelled meanwhile must take that for Unsure."""

    async def find(self, shard: Shard, known: Collection[str] = ()) -> Created | Maybe | None:
        """The batch of a shard whose creation was begun; None: there surely is none. `known` are the remote ids of other
        shards, which it cannot be. A list lags, so None is said only some time after the first look."""

    async def look(self, shard: Shard) -> Look:
        """How it is."""

    def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]:
        """What became of its lines, in any order; lines of which nothing is said do not come, a line may come twice, and
        one that cannot be read is left out. Read in pieces; who leaves early closes it (`aclosing`). Raises in the midst
        where the connection breaks: all that came before is good."""

    async def cancel(self, shard: Shard) -> None:
        """Ask for its end; what is finished stays. Harmless where it is over already."""

    async def forget(self, shard: Shard) -> None:
        """Delete what the provider keeps of it: input, results. Harmless where there is nothing, or no way to do it."""


def custom_id(shard_id: str, call_id: str) -> str:
    """The name of a line at the provider: it says of which shard and which call it is. At most 64 letters, digits, dashes
    and underscores, so shard ids are at most 36 of them."""
    return f"{shard_id}-{call_id.removeprefix('call-')}"


def call_of(shard_id: str, custom_id: str) -> str:
    """The call of such a name; empty where it is not of that shard."""
    prefix, name = f"{shard_id}-", custom_id
    return f"call-{name[len(prefix) :]}" if name.startswith(prefix) else ""
