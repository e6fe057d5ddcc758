"""Which work of the ledger a student, or a small model of one's own, could take over, and what that would save a month.

Dollars and volumes are the ledger's own, with an interval from its days. What share of the calls a student could answer is
taken from measurements on public sets by the number of examples, as an interval that holds all of them; the student's own
trial, once there are captures, says it for this work. Where nobody knows yet whether answers come from a closed set, the
lower end is zero. Reads only.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from farthing.finops.learnable import AUDITED, MANY_LABELS, SHORT_TOKENS, coverage
from farthing.model.money import Nano
from farthing.model.usage import Usage
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.quality.errand import TASK as OVERHEAD
from farthing.quality.student import two_sided
from farthing.selfhost.distil.answers import Answers, look
from farthing.store.captures import Captured
from farthing.store.work import Work

DAY_US = 86_400_000_000
DAYS_A_MONTH = 365.25 / 12
ERROR = 0.1
"""Of the interval for a month's dollars: two-sided."""
ENOUGH = 500
"""Captured calls with which a trial makes sense."""
VECTORS = ("embedding", "embeddings")

Row = tuple[str, str, str, str]
"""Tenant, feature, kind of work, template."""


class Range(msgspec.Struct, frozen=True):
    """Nano-dollars a month."""

    low: Nano
    middle: Nano
    high: Nano


class Candidate(msgspec.Struct, frozen=True):
    """One kind of work. Amounts in nano-dollars."""

    tenant: str
    feature: str
    task: str
    template: str
    calls: int
    """In the days that were looked at."""
    calls_a_month: float
    in_tokens: float
    """A call, in the mean; 0 where no tokens are known."""
    out_tokens: float
    cost_a_month: Range
    unpriced: int
    """Calls whose cost is not known; they are not in the amounts."""
    answers: Answers | None
    """None where none were kept."""
    closed: bool | None
    coverage: tuple[float, float]
    """Share of calls that a student may answer."""
    student: Range
    """What a student would save a month."""
    tuned: Range | None
    """What a small tuned model would save a month if it does the work as well; None where its price is not known."""
    missing: tuple[str, ...]
    """What is to be done first."""

    @property
    def worth(self) -> Nano:
        """What it is sorted by."""
        return max(self.student.middle, self.tuned.middle if self.tuned is not None else 0)


Price = Callable[[Usage], Nano | None]
"""What a usage costs at the small model."""


def candidates(
    days: Sequence[Sequence[Work]], captured: Iterable[Captured], *, price: Price | None = None, least_calls: int = 30
) -> list[Candidate]:  # fmt: skip
    """All work with at least so many calls in these days, the most promising first. `days`: what each whole day did, of
    each day that was looked at; `price`: the small model to compare with."""
    sums: dict[Row, list[Work]] = defaultdict(list)
    by_day: dict[Row, list[Nano]] = defaultdict(lambda: [0] * len(days))
    for at, day in enumerate(days):
        for work in day:
            if work.feature in ERRANDS or work.task == OVERHEAD or work.task in VECTORS:
                continue
            row = (work.tenant, work.feature, work.task, work.template)
            sums[row].append(work)
            by_day[row][at] += work.cost
    kept = _by_row(captured, sums)
    found = [
        _candidate(row, works, by_day[row], kept.get(row, []), price)
        for row, works in sums.items()
        if sum(work.calls for work in works) >= least_calls
    ]
    return sorted(
        found, key=lambda each: (-each.worth, -each.cost_a_month.middle, each.feature, each.task, each.template)
    )


def at_stake(days: Sequence[Sequence[Work]], tenant: str, scope: str) -> Range | None:
    """What the calls of a student's scope cost a month, by the ledger; None where it has no priced call of it in these days.
    `scope`: `template:HASH` or `task:NAME`. Calls that are answered by a student cost nothing any more."""
    kind, _, name = scope.partition(":")
    daily: list[Nano] = [0] * len(days)
    priced = 0
    for at, day in enumerate(days):
        for work in day:
            if work.tenant == tenant and work.feature not in ERRANDS and getattr(work, kind) == name:
                daily[at] += work.cost
                priced += work.calls - work.without_cost
    return _a_month(daily) if priced else None


def _candidate(
    row: Row, works: Sequence[Work], daily: Sequence[Nano], kept: Sequence[Captured], price: Price | None
) -> Candidate:  # fmt: skip
    calls, counted = sum(work.calls for work in works), sum(work.counted for work in works)
    unpriced = sum(work.without_cost for work in works)
    times = DAYS_A_MONTH / len(daily)
    in_tokens, out_tokens = (
        _mean(sum(getattr(work, name) for work in works), counted) for name in ("in_tokens", "out_tokens")
    )
    answers = look(kept) if kept else None
    closed = answers.closed if answers is not None else None
    if closed is None and counted and out_tokens > 4 * SHORT_TOKENS:
        closed = False
    month = _a_month(daily)
    share = _share(calls * times, answers, closed)
    return Candidate(
        *row, calls, calls * times, in_tokens, out_tokens, month, unpriced, answers, closed, share,
        _student(month, share), _tuned(works, month, times, counted, price), tuple(_missing(answers, closed, unpriced, calls, row)),
    )  # fmt: skip


def _share(calls_a_month: float, answers: Answers | None, closed: bool | None) -> tuple[float, float]:
    """Of a student of what was kept, or of what a month brings where that is more."""
    if closed is False:
        return 0.0, 0.0
    examples = max(answers.calls if answers is not None else 0, min(calls_a_month, 20_000))
    labels = max(2, len(answers.labels) or answers.distinct) if answers is not None else MANY_LABELS
    low, high = coverage(examples, labels)
    return (low, high) if closed else (0.0, high)


def _student(month: Range, share: tuple[float, float]) -> Range:
    low, high = (each * (1 - AUDITED) for each in share)
    return Range(round(month.low * low), round(month.middle * (low + high) / 2), round(month.high * high))


def _tuned(works: Sequence[Work], month: Range, times: float, counted: int, price: Price | None) -> Range | None:
    """None where the small model has no price, or tokens are not known."""
    if price is None or not counted:
        return None
    cached = sum(work.cached_tokens for work in works)
    usage = Usage(
        uncached_in=max(0, sum(work.in_tokens for work in works) - cached), cache_read=cached,
        out=sum(work.out_tokens for work in works),
    )  # fmt: skip
    cost = price(usage)
    if cost is None:
        return None
    instead = round(cost * times)
    most = month.high - instead
    return Range(0, max(0, month.middle - instead) // 2, max(0, most))


def _missing(answers: Answers | None, closed: bool | None, unpriced: int, calls: int, row: Row) -> Iterable[str]:
    if answers is None:
        yield (
            f'captures: [capture] features = ["{row[1]}"]'
            if row[1]
            else f'captures: [capture] tasks = ["{row[2] or "..."}"]'
        )
    elif answers.calls < ENOUGH:
        yield f"{ENOUGH - answers.calls:,} more captured calls before a trial makes sense"
    if closed is None:
        yield "whether its answers come from a closed set"
    elif not closed:
        yield "its answers are open: a tuned model, not a student (farthing distil export)"
    if unpriced:
        yield f"the cost of {unpriced:,} of {calls:,} calls"
    if not row[3]:
        yield 'its templates are not known: [routing] tasks_of = "all"'


def _a_month(daily: Sequence[Nano]) -> Range:
    """From the mean of the days, with Student's interval for it; a single day tells of no other."""
    size = len(daily)
    mean = sum(daily) / size
    if size < 2:
        return Range(0, round(mean * DAYS_A_MONTH), round(2 * mean * DAYS_A_MONTH))
    spread = math.sqrt(sum((each - mean) ** 2 for each in daily) / (size - 1) / size)
    reach = two_sided(ERROR, size - 1) * spread
    return Range(*(round(max(0.0, each) * DAYS_A_MONTH) for each in (mean - reach, mean, mean + reach)))


def _by_row(captured: Iterable[Captured], rows: Mapping[Row, object]) -> dict[Row, list[Captured]]:
    """Calls that were kept, with the work that they are of. The ledger knows templates only of calls that somebody looked
    into; the others of a feature are one row there. What a student gave back is left out: its answers are unlike the rest."""
    found: dict[Row, list[Captured]] = defaultdict(list)
    for each in captured:
        if not each.is_fair:
            continue
        for template in (each.template, ""):
            row = (each.tenant, each.feature, each.task, template)
            if row in rows:
                found[row].append(each)
                break
    return found


def _mean(total: int, count: int) -> float:
    return total / count if count else 0.0
