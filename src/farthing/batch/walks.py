"""Lines of jobs on their way through the pipeline's steps: packed for a provider's batch, settled with its answer, or sent
alone. Knows nothing of jobs' states and of how batches are made.
"""

import msgspec

from farthing.model.batch import Job, Line, Sent, Shard
from farthing.model.money import Nano
from farthing.model.record import Record


class Parked(msgspec.Struct):
    """A line as it goes into a batch."""

    provider: str
    """The provider's name in the settings."""
    deployment: str
    model: str
    """The model's name at the provider."""
    wire: str
    """The format that is spoken there."""
    body: bytes
    """The request as the provider is to see it."""
    sent: Sent
    """What must be kept until its answer comes."""
    tokens: int
    """Of input, at an upper estimate."""
    worst: Nano
    """What it can cost at most in a batch, in nano-dollars."""


class Settled(msgspec.Struct):
    """A run of a line that has ended."""

    record: Record
    """What it came to, for the ledger."""
    status: int
    """HTTP status, as the client is to see it."""
    answer: bytes
    """In the format that the client speaks."""
    again_s: float | None = None
    """None: final; else it may be tried again after so many seconds."""


class Walks:
    """See the module."""

    async def pack(self, line: Line, job: Job) -> Parked | Settled:
        """The line as it goes into a batch; settled where the cache answered it, or a step refused it."""
        raise NotImplementedError

    async def settle(self, line: Line, job: Job, shard: Shard, sent: Sent, status: int, answer: bytes) -> Settled:
        """Book the answer that came from a batch; `status` and `answer` as a synchronous call would have had them."""
        raise NotImplementedError

    async def run(self, line: Line, job: Job, call_id: str, tier: str = "") -> Settled:
        """Send the line alone, at a service tier (`flex`) or the standard one."""
        raise NotImplementedError

    async def follow(self, line: Line, job: Job, call_id: str, leader: Record, status: int, answer: bytes) -> Settled:
        """Book a line that asks the same as another, and gets its answer."""
        raise NotImplementedError

    async def late(self, line: Line, job: Job, shard: Shard, sent: Sent, status: int, answer: bytes) -> Record | None:
        """The row for an answer that a batch gave after its line had been answered otherwise; None where it cost nothing."""
        raise NotImplementedError
