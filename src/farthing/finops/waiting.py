"""Work that can wait: how the queue stands, how many deadlines were met and by which way, what waiting saved.

The queue is as it is now, ends and savings are of whole UTC days. All of it comes from sums. Knows nothing of how lines are
worked.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from farthing.model.arms import BATCHING
from farthing.model.money import Nano
from farthing.store import LeverRow, reading
from farthing.store.batch import standing
from farthing.store.batch.ends import UNSENT, Ends, ends
from farthing.store.batch.standing import MOST_JOBS, Cell, Open
from farthing.store.engine import Connection

_MINUTE_US = 60_000_000
SPANS = (
    ("1 minute", _MINUTE_US), ("15 minutes", 15 * _MINUTE_US), ("1 hour", 60 * _MINUTE_US), ("6 hours", 360 * _MINUTE_US),
    ("24 hours", 1440 * _MINUTE_US),
)  # fmt: skip
"""What ages and times left are told by."""
WAYS = {
    "batch": "a provider's batch", "flex": "a cheap synchronous tier", "now": "an ordinary call", "local": "our own server",
    UNSENT: "not sent: answered by another line or the cache, or neither",
}  # fmt: skip


class Span(msgspec.Struct, frozen=True):
    """Lines that wait, of one age or time left. `least_us` counts, `most_us` does not any more; None: no bound."""

    label: str
    least_us: int | None
    most_us: int | None
    lines: int


class Queue(msgspec.Struct, frozen=True):
    """Lines of one tenant, or of all, that have not ended."""

    tenant: str
    waiting: int = 0
    """That may be sent now."""
    away: int = 0
    """With a provider, taken to be sent, or set aside for a later moment."""
    late: int = 0
    """Of both, whose deadline is over."""
    jobs: int = 0
    oldest_us: int | None = None
    """When the first of those that wait came, up to eight seconds early."""
    due_us: int | None = None
    """The tightest deadline of a job that has not ended."""
    held: Nano = 0
    """What the lines that are with providers can cost at most."""
    at_least: bool = False
    """There are more open jobs than are summed up: the counts, but for `waiting`, are too low."""


class WayRow(msgspec.Struct, frozen=True):
    """Lines that ended in the span, by one way."""

    way: str
    lines: int = 0
    answered: int = 0
    failed: int = 0
    expired: int = 0
    met: int = 0
    """Ended before their deadline."""
    wait_us: int = 0
    """From when they were handed in to their end, summed."""
    cost: Nano = 0
    baseline: Nano = 0
    """What they would have cost as they were sent, without any lever."""

    @property
    def mean_wait_us(self) -> float | None:
        return self.wait_us / self.lines if self.lines else None


class Waiting(msgspec.Struct, frozen=True):
    """See the module."""

    since_us: int
    until_us: int
    now_us: int
    tenant: str
    queue: Queue
    tenants: list[Queue]
    """The same by tenant, the longest first."""
    ages: list[Span]
    """Lines that may be sent now, by how long they have waited."""
    left: list[Span]
    """The same by the time that is left to them; the last minutes of it may be gone already."""
    ways: list[WayRow]
    lever: LeverRow
    """What waiting saved, as booked; its overhead is what was paid twice."""

    @property
    def ended(self) -> int:
        return sum(row.lines for row in self.ways)

    @property
    def met(self) -> int:
        return sum(row.met for row in self.ways)

    @property
    def met_share(self) -> float | None:
        """Of the lines that ended in the span; None where none did."""
        return self.met / self.ended if self.ended else None

    @property
    def is_used(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.queue.jobs or self.queue.waiting or self.ways or self.lever.calls)


def read(connection: Connection, since_us: int, until_us: int, now_us: int, *, tenant: str = "") -> Waiting:
    """An empty tenant is all of them. Raises StoreError."""
    cells, unended = standing.cells(connection, tenant), standing.open_jobs(connection, now_us, tenant)
    levers = reading.levers(connection, since_us, until_us, tenant=tenant)
    tenants = _queues(cells, unended)
    return Waiting(
        since_us, until_us, now_us, tenant, _whole(tenant, tenants), tenants,
        _spans(((now_us - each.came_us, each.n) for each in cells), "under", "over"),
        _spans(((each.due_us - now_us, each.n) for each in cells), "within", "later", "due now or late"),
        ways_of(ends(connection, since_us, until_us, tenant=tenant)),
        next((row for row in levers if row.lever == BATCHING), LeverRow(BATCHING)),
    )  # fmt: skip


def ways_of(found: Iterable[Ends]) -> list[WayRow]:
    """By way, the one with most lines first."""
    rows: dict[str, WayRow] = {}
    for each in found:
        row = rows.get(each.way, WayRow(each.way))
        rows[each.way] = WayRow(
            each.way, row.lines + each.n, row.answered + each.n * (each.state == "done"),
            row.failed + each.n * (each.state == "failed"), row.expired + each.n * (each.state == "expired"),
            row.met + each.n * each.met, row.wait_us + each.wait_us, row.cost + each.cost, row.baseline + each.baseline,
        )  # fmt: skip
    return sorted(rows.values(), key=lambda row: (-row.lines, row.way))


def plain(report: Waiting) -> dict[str, Any]:
    """For JSON: the same for the command line and the admin API. Amounts are integer nano-dollars."""
    known: dict[str, Any] = msgspec.to_builtins(report)
    ways = [msgspec.to_builtins(row) | {"mean_wait_us": row.mean_wait_us} for row in report.ways]
    lever = known["lever"] | {"saved": report.lever.saved}
    return known | {"ways": ways, "lever": lever, "lines_ended": report.ended, "deadlines_met": report.met, "deadlines_met_share": report.met_share}  # fmt: skip


def _queues(cells: Sequence[Cell], unended: Sequence[Open]) -> list[Queue]:
    waits: dict[str, int] = {}
    oldest: dict[str, int] = {}
    for cell in cells:
        waits[cell.tenant] = waits.get(cell.tenant, 0) + cell.n
        oldest[cell.tenant] = min(cell.came_us, oldest.get(cell.tenant, cell.came_us))
    known = {each.tenant: each for each in unended}
    cut = sum(each.jobs for each in unended) >= MOST_JOBS
    found = []
    for tenant in sorted(waits.keys() | known.keys()):
        n, of = waits.get(tenant, 0), known.get(tenant, Open(tenant, 0, 0, 0, 0, 0))
        found.append(
            Queue(
                tenant, n, max(0, of.lines - n), of.late, of.jobs, oldest.get(tenant), of.due_us or None, of.held, at_least=cut
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (-each.waiting - each.away, each.tenant))


def _whole(tenant: str, tenants: Sequence[Queue]) -> Queue:
    sums = {name: sum(getattr(each, name) for each in tenants) for name in ("waiting", "away", "late", "jobs", "held")}
    oldest, due = (
        [at for each in tenants if (at := getattr(each, name)) is not None] for name in ("oldest_us", "due_us")
    )
    return Queue(
        tenant, **sums, oldest_us=min(oldest, default=None), due_us=min(due, default=None),
        at_least=any(each.at_least for each in tenants),
    )  # fmt: skip


def _spans(found: Iterable[tuple[int, int]], below: str, above: str, past: str = "") -> list[Span]:
    """Lines by `SPANS`; with `past`, those below zero apart."""
    edges = [0, *(most for _, most in SPANS)] if past else [most for _, most in SPANS]
    counts = [0] * (len(edges) + 1)
    for us, n in found:
        counts[sum(us >= edge for edge in edges)] += n
    labels = [*([past] if past else []), *(f"{below} {label}" for label, _ in SPANS), f"{above} than {SPANS[-1][0]}" if past else f"{above} {SPANS[-1][0]}"]  # fmt: skip
    bounds = [None, *edges, None]
    return [Span(label, bounds[place], bounds[place + 1], counts[place]) for place, label in enumerate(labels)]
