"""A business transaction as numbers: what calls, tools and outcomes add to it, and what it adds to daily sums. Knows no SQL.

A transaction belongs to the day (UTC) of its first call or tool; one that has neither to the day of its outcome. As its
row changes it leaves the cells that it was in and enters those that it belongs to now, so the sums are always those of
the rows, in whatever order things arrive.
"""

from collections.abc import Iterable

import msgspec

from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.model.transaction import SUCCESSES, ToolUse, split_name
from farthing.store.engine import Row
from farthing.store.rollups import DAY_US, NOT_ERRORS, PRICED, bin_of, month_of
from farthing.store.schema_transactions import BIN_KEY, DAY_KEY, DAY_SUMS, DRIVER_KEY, DRIVER_SUMS, USER_KEY, USER_SUMS
from farthing.store.schema_transactions import TRANSACTION_SUMS as SUMS
from farthing.store.waste import wasted

Key = tuple[str, str, str]
"""Tenant, type, id."""

Driver = tuple[str, str]
"""What caused cost: model, feature or tool, and its name."""

TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "transaction_days": (DAY_KEY, DAY_SUMS),
    "transaction_bins": (BIN_KEY, ("n",)),
    "transaction_drivers": (DRIVER_KEY, DRIVER_SUMS),
    "transaction_users": (USER_KEY, USER_SUMS),
}
"""Tables of sums, their keys and columns, in the order in which every writer takes them."""

Cells = dict[tuple[str, Row], list[int]]
"""What is to be added: by table and key."""

_CALLS, _COST, _TOOL_COST = SUMS.index("calls"), SUMS.index("cost"), SUMS.index("tool_cost")
_WITHOUT, _TOOLS, _UNPRICED = SUMS.index("without_cost"), SUMS.index("tools"), SUMS.index("tools_unpriced")


class Said(msgspec.Struct, frozen=True):
    """How a transaction ended, as somebody posted it."""

    outcome: str
    at_us: int
    revenue: Nano | None = None
    """None where nobody said; so for the minutes."""
    human_s: int | None = None
    """Seconds that people spent on it all the same."""
    user: str = ""
    """Empty: as its calls say; so for the plan."""
    plan: str = ""


class State(msgspec.Struct):
    """All that is known of a transaction. Amounts in nano-dollars."""

    sums: tuple[int, ...] = (0,) * len(SUMS)
    """The columns of `TRANSACTION_SUMS`."""
    first_us: int | None = None
    last_us: int | None = None
    user: str = ""
    plan: str = ""
    said: Said | None = None

    @property
    def exists(self) -> bool:
        return self.first_us is not None or self.said is not None

    @property
    def day_us(self) -> int:
        moment = self.first_us if self.first_us is not None else self.said.at_us if self.said is not None else 0
        return moment - moment % DAY_US

    @property
    def outcome(self) -> str:
        """Empty while nobody said."""
        return self.said.outcome if self.said is not None else ""

    @property
    def knowledge(self) -> str:
        """How its cost is known: `known`, `partly`, or `empty` where it has neither calls nor tools."""
        if self.sums[_WITHOUT] or self.sums[_UNPRICED]:
            return "partly"
        return "known" if self.sums[_CALLS] or self.sums[_TOOLS] else "empty"

    @property
    def whole_cost(self) -> Nano:
        """Of calls and tools."""
        return self.sums[_COST] + self.sums[_TOOL_COST]

    @property
    def owner(self) -> tuple[str, str]:
        """User and plan: what was posted goes before what calls say."""
        said = self.said
        return (said.user if said else "") or self.user, (said.plan if said else "") or self.plan


class Adds(msgspec.Struct):
    """What happened to one transaction."""

    sums: list[int] = msgspec.field(default_factory=lambda: [0] * len(SUMS))
    first_us: int | None = None
    last_us: int | None = None
    user: str = ""
    plan: str = ""
    said: Said | None = None
    drivers: dict[Driver, list[int]] = {}

    def call(self, record: Record, sign: int = 1) -> None:
        """A call of it; `sign` -1 takes one away whose amounts change."""
        lost = wasted(record) if len(record.attempts) > 1 or record.outcome != "ok" else None
        retries, lost_cost = (lost[0], lost[3]) if lost is not None else (0, 0)
        without, cost = int(record.cost_state not in PRICED), record.cost
        sums = self.sums  # written out: a writer does this for each call
        sums[0] += sign
        sums[1] += sign * (record.outcome not in NOT_ERRORS)
        sums[2] += sign * retries
        sums[3] += sign * without
        sums[4] += sign * cost
        sums[5] += sign * lost_cost
        sums[6] += sign * record.in_tokens
        sums[7] += sign * record.out_tokens
        for driver in (("model", record.model), ("feature", record.feature)):
            self._drive(driver, 1, retries, without, cost, lost_cost, sign)
        self._spans(record.started_us, record.started_us + record.duration_us)
        if record.user:
            self.user = least(self.user, record.user)
        if record.tags and "plan" in record.tags:
            self.plan = least(self.plan, record.tags["plan"])

    def tool(self, use: ToolUse, at_us: int) -> None:
        unpriced = use.count if use.cost is None else 0
        self.sums[8] += use.count
        self.sums[9] += unpriced
        self.sums[10] += use.cost or 0
        self._drive(("tool", use.name), use.count, 0, unpriced, use.cost or 0, 0, 1)
        self._spans(at_us, at_us)

    def end(self, said: Said) -> None:
        """The latest word counts, and of two of the same time the one that comes last."""
        self.said = later(self.said, said)

    def _drive(
        self, driver: Driver, uses: int, retries: int, without: int, cost: Nano, lost: Nano, sign: int
    ) -> None:  # fmt: skip
        sums = self.drivers.get(driver)
        if sums is None:
            sums = self.drivers[driver] = [0, 0, 0, 0, 0]
        sums[0] += sign * uses
        sums[1] += sign * retries
        sums[2] += sign * without
        sums[3] += sign * cost
        sums[4] += sign * lost

    def _spans(self, first: int, last: int) -> None:
        self.first_us = first if self.first_us is None else min(self.first_us, first)
        self.last_us = last if self.last_us is None else max(self.last_us, last)


def least(one: str, other: str) -> str:
    """The first by the alphabet of those that say something: the same in whatever order calls arrive."""
    return min(one, other) if one and other else one or other


def later(one: Said | None, other: Said | None) -> Said | None:
    if one is None or other is None:
        return other if one is None else one
    return other if other.at_us >= one.at_us else one


def merged(state: State, adds: Adds) -> State:
    """The state after `adds`."""
    firsts = [each for each in (state.first_us, adds.first_us) if each is not None]
    lasts = [each for each in (state.last_us, adds.last_us) if each is not None]
    return State(
        tuple(had + more for had, more in zip(state.sums, adds.sums, strict=True)), min(firsts, default=None),
        max(lasts, default=None), least(state.user, adds.user), least(state.plan, adds.plan), later(state.said, adds.said),
    )  # fmt: skip


def adds_of(records: Iterable[Record]) -> dict[Key, Adds]:
    """What these calls, with the tools that they name, add to each transaction."""
    found: dict[Key, Adds] = {}
    for record in records:
        if record.transaction:
            adds = found.setdefault(key_of(record), Adds())
            adds.call(record)
            for use in record.tools:
                adds.tool(use, record.started_us)
    return found


def key_of(record: Record) -> Key:
    return (record.tenant, *split_name(record.transaction))


def put(cells: Cells, table: str, key: Row, sums: Iterable[int], sign: int = 1) -> None:
    held = cells.setdefault((table, key), [0] * len(TABLES[table][1]))
    for place, number in enumerate(sums):
        held[place] += sign * number


def put_state(cells: Cells, key: Key, state: State, sign: int) -> None:
    """All that a transaction adds to sums, but for its drivers."""
    if not state.exists:
        return
    tenant, kind, _ = key
    day, outcome, knowledge, said = state.day_us, state.outcome, state.knowledge, state.said
    revenue = said.revenue if said is not None else None
    human_s = said.human_s if said is not None else None
    worth = (int(revenue is not None), revenue or 0, int(human_s is not None), human_s or 0)
    lasted = state.last_us - state.first_us if state.first_us is not None and state.last_us is not None else 0
    put(cells, "transaction_days", (day, tenant, kind, outcome, knowledge), (1, *state.sums, *worth, lasted), sign)
    if knowledge == "known":
        put(cells, "transaction_bins", (day, tenant, kind, outcome, bin_of(state.whole_cost)), (1,), sign)
    counts = (1, int(outcome in SUCCESSES), int(knowledge == "partly"))
    costs = (state.sums[_CALLS], state.sums[_COST], state.sums[_TOOL_COST])
    put(cells, "transaction_users", (month_of(day), tenant, kind, *state.owner), (*counts, *costs, *worth), sign)


def put_drivers(cells: Cells, key: Key, day_us: int, drivers: dict[Driver, list[int]], sign: int = 1) -> None:
    for driver, sums in drivers.items():
        put(cells, "transaction_drivers", (day_us, key[0], key[1], *driver), sums, sign)
