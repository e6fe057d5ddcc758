"""A recurring job, as settings say it, read and checked. Knows nothing of stores and of when it runs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from farthing.batch.schedules.cron import Times
from farthing.model.money import Nano
from farthing.settings import Secret

PLACES = ("date", "yesterday", "time", "name")
"""What may stand in braces in names of files and in queries: 2026-01-31, the day before, 0200, the schedule's name."""


class Schedule(msgspec.Struct, frozen=True):
    """See the module."""

    name: str
    times: Times
    said: str
    """When it is due, as it was written."""
    file: str
    """Of requests or rows, as `farthing batch submit` takes it; empty where a query gives the rows."""
    folder: Path
    """That relative names begin at."""
    template: str = ""
    model: str = ""
    max_tokens: int | None = None
    output: str = ""
    deadline_s: float = 86_400.0
    patience_s: float = 3600.0
    """How late it may be started."""
    priority: int = 0
    cap: Nano = 0
    tenant: str = "default"
    headers: Mapping[str, str] = {}
    query: str = ""
    """Gives the rows, in place of a file."""
    database: Secret = Secret()
    """Where it is asked."""

    @property
    def spec(self) -> str:
        """When it is due, for telling that this was changed."""
        return f"{self.said} {self.times.zone}"

    def path(self, said: str, due_us: int) -> Path:
        """A file of the occurrence that is due then."""
        return self.folder / self.filled(said, due_us)

    def filled(self, said: str, due_us: int) -> str:
        """With what its braces stand for. The occurrence's own day is that of the schedule's zone."""
        when = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=due_us)).astimezone(ZoneInfo(self.times.zone))
        words = {
            "date": f"{when:%Y-%m-%d}", "yesterday": f"{when - timedelta(days=1):%Y-%m-%d}", "time": f"{when:%H%M}", "name": self.name,
        }  # fmt: skip
        for word, value in words.items():
            said = said.replace(f"{{{word}}}", value)
        return said
