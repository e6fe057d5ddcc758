"""What each team or project pays for a span of days: its own calls, its own lines of other spending, its share of what is
everybody's. Sums of the daily sums; what is on a page or in a table is for others.

The statements and what could not be shared out add up to the ledger with its corrections, to the nano-dollar.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from farthing.finops.phases import lines_of
from farthing.finops.statement.sharing import divided
from farthing.model.money import Nano
from farthing.settings import FinopsSettings
from farthing.store import billed, corrections, lines
from farthing.store.corrections import Correction
from farthing.store.engine import Connection
from farthing.store.lines import Line
from farthing.store.rollups import DAY_US
from farthing.store.schema_billed import CALL_SUMS

By = Literal["team", "project"]
Key = Literal["cost", "calls", "tokens", "even", "none"]
KEYS: dict[Key, str] = {
    "cost": "by what each one's calls cost",
    "calls": "by the number of each one's calls",
    "tokens": "by the tokens of each one's calls",
    "even": "in equal parts",
    "none": "not shared out",
}
"""By what everybody's cost is shared, in words."""


class Wanted(msgspec.Struct, frozen=True):
    """What the statements are of. Spans are whole UTC days."""

    since_us: int
    until_us: int
    former_us: int
    """Where the span begins that this one is compared with; it ends where this one begins."""
    by: By = "team"
    key: Key = "cost"
    tenant: str = ""
    spread_unnamed: bool = False
    """Calls that name no team are everybody's."""
    with_lines: bool = False
    """Spending that is no call too."""


class Used(msgspec.Struct, frozen=True):
    """Calls of one feature to one model. Amounts in nano-dollars."""

    feature: str
    provider: str
    model: str
    calls: int
    without_cost: int
    """Calls whose cost is not known: they are not in `cost`."""
    cache_hits: int
    tokens_in: int
    tokens_out: int
    cost: Nano
    saved: Nano


class Other(msgspec.Struct, frozen=True):
    """An amount that is no call of the one who pays it."""

    what: str
    amount: Nano
    whole: Nano
    """What this is a share of; the same amount where it is all one's own."""
    key: str = ""
    """By what it was shared out, in words; empty where it is one's own."""


class Statement(msgspec.Struct, frozen=True):
    """What one team or project pays."""

    name: str
    """Empty: calls that name none."""
    used: tuple[Used, ...]
    """The dearest first."""
    others: tuple[Other, ...]
    days: tuple[Nano, ...]
    """Cost of its calls on each day of the span."""
    former: Nano
    """Cost of its calls in the span before."""

    @property
    def own(self) -> Nano:
        """Cost of its calls."""
        return sum(each.cost for each in self.used)

    @property
    def total(self) -> Nano:
        return self.own + sum(each.amount for each in self.others)

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.used)

    @property
    def without_cost(self) -> int:
        return sum(each.without_cost for each in self.used)

    @property
    def saved(self) -> Nano:
        return sum(each.saved for each in self.used)


class Statements(msgspec.Struct, frozen=True):
    """All statements of a span."""

    wanted: Wanted
    statements: tuple[Statement, ...]
    """The dearest first."""
    everybodys: tuple[Other, ...]
    """What was shared out, whole."""
    kept_back: Nano
    """Part of it that nobody was there to pay."""

    @property
    def total(self) -> Nano:
        return sum(each.total for each in self.statements) + self.kept_back


class _Shared(msgspec.Struct, frozen=True):
    """An amount to be shared out, among those who used a provider and a model, if it names any."""

    what: str
    amount: Nano
    provider: str = ""
    model: str = ""


_Sums = tuple[int, ...]
_Rows = Sequence[tuple[tuple[str, ...], _Sums]]


def read(connection: Connection, settings: FinopsSettings, wanted: Wanted) -> Statements:
    """The statements, from one state of the ledger."""
    billed.fill(connection)
    names: tuple[str, ...] = (wanted.by, "feature", "provider", "model")
    with connection.snapshot():
        rows = billed.spent_by(connection, names, wanted.since_us, wanted.until_us, tenant=wanted.tenant)
        days = billed.spent_by(
            connection, (wanted.by, "day_us"), wanted.since_us, wanted.until_us, tenant=wanted.tenant
        )
        former = billed.spent_by(connection, (wanted.by,), wanted.former_us, wanted.since_us, tenant=wanted.tenant)
        posted = corrections.entries_of(connection, wanted.since_us, wanted.until_us, wanted.tenant)
        entered = lines.every(connection, wanted.since_us, wanted.until_us, tenant=wanted.tenant)
    if not wanted.with_lines:
        entered = []
    else:
        entered += lines_of(settings.lines, wanted.since_us, wanted.until_us)
    return statements(wanted, rows, days, former, posted, entered)


def statements(
    wanted: Wanted, rows: _Rows, days: _Rows, former: _Rows, posted: Iterable[Correction], entered: Iterable[Line]
) -> Statements:  # fmt: skip
    """The same from sums at hand."""
    pool = [_of_correction(each) for each in posted]
    own: dict[str, list[Other]] = {}
    for line in entered:
        amount = line.within(wanted.since_us, wanted.until_us)
        what = line.name or line.kind
        if wanted.by == "project" and line.project:
            own.setdefault(line.project, []).append(Other(what, amount, amount))
        elif amount:
            pool.append(_Shared(what, amount))
    if wanted.spread_unnamed and any(name for (name, *_), _ in rows):
        unnamed = sum(sums[_COST] for (name, *_), sums in rows if not name)
        rows = [row for row in rows if row[0][0]]
        if unnamed:
            pool.append(_Shared(f"calls that name no {wanted.by}", unnamed))
    shares, kept_back = _shared_out(wanted.key, pool, rows)
    used, by_day = _by_payer(rows), _by_payer(days)
    before = {payer: sums[_COST] for (payer,), sums in former}
    found = [
        _statement(
            wanted,
            name,
            used.get(name, ()),
            by_day.get(name, ()),
            (*own.get(name, ()), *shares.get(name, ())),
            before.get(name, 0),
        )
        for name in used.keys() | own.keys() | shares.keys()
    ]
    return Statements(
        wanted,
        tuple(sorted(found, key=lambda each: (-each.total, each.name))),
        tuple(Other(each.what, each.amount, each.amount, KEYS[wanted.key]) for each in pool),
        kept_back,
    )


def _of_correction(entry: Correction) -> _Shared:
    of = " ".join(part for part in (entry.provider, entry.model) if part)
    day = datetime.fromtimestamp(entry.day_us // 1_000_000, UTC).strftime("%Y-%m-%d")
    what = f"correction {entry.no} for {day}{f' ({of})' if of else ''}: {entry.reason}"
    return _Shared(what, entry.amount, entry.provider, entry.model)


def _shared_out(key: Key, pool: Iterable[_Shared], rows: _Rows) -> tuple[dict[str, list[Other]], Nano]:
    """Shares by name, and what is left because nobody has a weight."""
    shares: dict[str, list[Other]] = {}
    kept_back = 0
    for each in pool:
        parts, of = _parts(key, each, rows)
        kept_back += each.amount - sum(parts.values())
        for name, amount in parts.items():
            if amount:
                shares.setdefault(name, []).append(Other(each.what, amount, each.amount, f"{KEYS[key]}{of}"))
    return shares, kept_back


def _parts(key: Key, shared: _Shared, rows: _Rows) -> tuple[dict[str, Nano], str]:
    """A provider's correction is for those who used it: first those of the model, then all of the provider, then all."""
    if key == "none":
        return {}, ""
    for provider, model in dict.fromkeys(((shared.provider, shared.model), (shared.provider, ""), ("", ""))):
        weights: dict[str, int] = {}
        for (name, _, at, of), sums in rows:
            if provider in ("", at) and model in ("", of):
                weights[name] = 1 if key == "even" else weights.get(name, 0) + _weight(key, sums)
        if parts := divided(shared.amount, weights):
            where = " ".join(part for part in (provider, model) if part)
            return parts, f" ({where})" if where else ""
    return {}, ""


_AT = {name: place for place, name in enumerate(CALL_SUMS)}
_COST = _AT["cost"]


def _weight(key: Key, sums: _Sums) -> int:
    if key == "tokens":
        return sums[_AT["in_tokens"]] + sums[_AT["out_tokens"]]
    return sums[_AT["calls"]] if key == "calls" else sums[_COST]


def _by_payer(rows: _Rows) -> dict[str, list[tuple[tuple[str, ...], _Sums]]]:
    found: dict[str, list[tuple[tuple[str, ...], _Sums]]] = {}
    for (payer, *names), sums in rows:
        found.setdefault(payer, []).append((tuple(names), sums))
    return found


def _statement(
    wanted: Wanted, name: str, used: _Rows, days: _Rows, others: tuple[Other, ...], former: Nano
) -> Statement:  # fmt: skip
    each_used = [_used(names, sums) for names, sums in used]
    by_day = {int(day): sums[_COST] for (day,), sums in days}
    return Statement(
        name,
        tuple(sorted(each_used, key=lambda each: (-each.cost, -each.calls, each.feature, each.model, each.provider))),
        others,
        tuple(by_day.get(day, 0) for day in range(wanted.since_us, wanted.until_us, DAY_US)),
        former,
    )


def _used(names: Sequence[str], sums: _Sums) -> Used:
    feature, provider, model = names
    said: Mapping[str, int] = dict(zip(CALL_SUMS, sums, strict=True))
    return Used(
        feature, provider, model, said["calls"], said["without_cost"], said["cache_hits"], said["in_tokens"],
        said["out_tokens"], said["cost"], said["saved"],
    )  # fmt: skip
