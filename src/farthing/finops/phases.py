"""The AI budget by phase: how much of what AI costs is inference, for each project, against what its phase usually has.

AI budget = inference (the ledger, and lines of the kind `inference`) + all other lines. Early on, people and trials cost
more than calls; in production calls are about half; once optimised, less. The bands are rules of thumb, settings say the
phase.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from farthing.model.money import Nano, nano_from_dollars
from farthing.settings import FinopsSettings, LineSettings
from farthing.store import lines as kept
from farthing.store.days import Day, days
from farthing.store.engine import Connection
from farthing.store.lines import Line
from farthing.store.rollups import DAY_US, month_of

INFERENCE = "inference"
KINDS = ("engineering", "fine-tuning", "gpu", "tools", INFERENCE, "other")
SHARED = ""
"""The project of lines and calls that name none."""

Verdict = Literal["in band", "above", "below", "no other lines", "no phase", "nothing spent"]


class Band(msgspec.Struct, frozen=True):
    """The usual share of inference in a phase's AI budget, and what brings a project back into it."""

    least: float
    most: float
    above: str
    below: str


BANDS = {
    "experimentation": Band(
        0.10, 0.20,
        "Trials cost too much: a smaller model for trials, a sample instead of the whole data set, the cache on, a budget per user.",
        "Few calls for the people on it: more trials a week, or fewer people until there is something to try.",
    ),
    "pilot": Band(
        0.20, 0.30,
        "Real use has come early: set budgets, route simple work to a small model, cut prompts; or call it production.",
        "The pilot has few users: let more in, or ask whether it is wanted.",
    ),
    "production": Band(
        0.40, 0.60,
        "Calls outgrow the rest: cache, cheaper tiers, batch for what may wait, shorter prompts; see `farthing report metrics`.",
        "Much is still being built around it: finish, move engineers on, check that tools and GPUs are in use; or it is optimised already.",
    ),
    "optimised": Band(
        0.30, 0.40,
        "Savings have worn off or use has grown: look at hit rate and tier mix, agree on a contract price, batch what may wait.",
        "Upkeep costs more than the calls are worth: fewer tools, smaller GPUs, a provider's model instead of an own one.",
    ),
}  # fmt: skip
"""From the first phase to the last."""


class Project(msgspec.Struct, frozen=True):
    """One project in a span. Amounts in nano-dollars."""

    project: str
    """Empty: what names no project."""
    phase: str
    metered: Nano
    """Known cost of its calls through Farthing."""
    lines: dict[str, Nano]
    """By kind, its lines' share of the span."""
    without_cost: int = 0
    """Its calls whose cost nobody knows."""
    overdue: str = ""
    """The last day of its phase, where that is over."""

    @property
    def inference(self) -> Nano:
        return self.metered + self.lines.get(INFERENCE, 0)

    @property
    def budget(self) -> Nano:
        return self.metered + sum(self.lines.values())

    @property
    def share(self) -> float | None:
        """Of inference in the AI budget; None where nothing was spent."""
        return self.inference / self.budget if self.budget else None

    @property
    def verdict(self) -> Verdict:
        band = BANDS.get(self.phase)
        if not self.budget:
            return "nothing spent"
        if band is None:
            return "no phase"
        if self.inference == self.budget:
            return "no other lines"
        share = self.inference / self.budget
        return "above" if share > band.most else "below" if share < band.least else "in band"

    @property
    def cure(self) -> str:
        """What usually brings it back; empty where it is in its band."""
        band = BANDS.get(self.phase)
        words = {
            "no phase": "Say where it stands: [finops.projects.NAME] phase = \"pilot\".",
            "no other lines": "Only calls are known of it: enter people, GPUs and tools as [[finops.lines]] or by `farthing lines import`.",
        }  # fmt: skip
        if self.verdict in ("above", "below") and band is not None:
            return band.above if self.verdict == "above" else band.below
        return words.get(self.verdict, "")


class Phases(msgspec.Struct, frozen=True):
    """The AI budget of a span. Amounts in nano-dollars."""

    since_us: int
    until_us: int
    projects: tuple[Project, ...]
    """Dearest first. What names no project is one of them and in no band."""

    @property
    def total(self) -> Project:
        """All projects together, of no phase."""
        lines: dict[str, Nano] = {}
        for project in self.projects:
            for kind, cost in project.lines.items():
                lines[kind] = lines.get(kind, 0) + cost
        metered, unknown = (sum(getattr(each, name) for each in self.projects) for name in ("metered", "without_cost"))
        return Project("", "", metered, lines, unknown)


def read(
    connection: Connection, settings: FinopsSettings, since_us: int, until_us: int, now_us: int, *, tenant: str = ""
) -> Phases:  # fmt: skip
    """The AI budget of whole UTC days."""
    spent = days(connection, since_us, until_us, by="project", tenant=tenant)
    entered = [
        *kept.every(connection, since_us, until_us, tenant=tenant),
        *lines_of(settings.lines, since_us, until_us),
    ]
    return phases(spent, entered, settings, since_us, until_us, now_us)


def phases(
    spent: Iterable[Day], lines: Sequence[Line], settings: FinopsSettings, since_us: int, until_us: int, now_us: int
) -> Phases:  # fmt: skip
    """The same from sums and lines at hand."""
    metered: dict[str, Nano] = {}
    unknown: dict[str, int] = {}
    for day in spent:
        metered[day.value] = metered.get(day.value, 0) + day.cost
        unknown[day.value] = unknown.get(day.value, 0) + day.without_cost
    by_kind: dict[str, dict[str, Nano]] = {}
    for line in lines:
        kinds = by_kind.setdefault(line.project, {})
        kinds[line.kind] = kinds.get(line.kind, 0) + line.within(since_us, until_us)
    names = metered.keys() | by_kind.keys() | settings.projects.keys()
    found = [
        Project(
            name, _phase(settings, name), metered.get(name, 0), _ordered(by_kind.get(name, {})), unknown.get(name, 0),
            _overdue(settings, name, now_us),
        )
        for name in names
    ]  # fmt: skip
    return Phases(since_us, until_us, tuple(sorted(found, key=lambda each: (-each.budget, each.project))))


def lines_of(entered: Iterable[LineSettings], since_us: int, until_us: int) -> list[Line]:
    """What settings enter, month by month: a day of February costs more than one of March."""
    found = []
    for at, each in enumerate(entered):
        cost = nano_from_dollars(each.dollars_a_month)
        first = max(since_us, _moment(each.valid_from)) if each.valid_from is not None else since_us
        end = min(until_us, _moment(each.valid_to) + DAY_US) if each.valid_to is not None else until_us
        while first < end:
            month = month_of(first)
            next_month = month_of(month + 32 * DAY_US)
            stop = min(end, next_month)
            share = cost * (stop - first) // (next_month - month)
            found.append(
                Line(f"settings-{at}-{month}", each.kind, share, first, stop, "settings", each.project, each.name)
            )
            first = stop
    return found


def _moment(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _phase(settings: FinopsSettings, project: str) -> str:
    own = settings.projects.get(project)
    return own.phase if own is not None else ""


def _overdue(settings: FinopsSettings, project: str, now_us: int) -> str:
    own = settings.projects.get(project)
    if own is None or own.until is None or _moment(own.until) + DAY_US > now_us:
        return ""
    return own.until.isoformat()


def _ordered(kinds: Mapping[str, Nano]) -> dict[str, Nano]:
    return {kind: kinds[kind] for kind in (*KINDS, *kinds) if kind in kinds}


def plain(found: Phases) -> dict[str, Any]:
    """As plain values, for JSON; amounts are integer nano-dollars."""
    return {
        "since_us": found.since_us,
        "until_us": found.until_us,
        "bands": {name: [band.least, band.most] for name, band in BANDS.items()},
        "projects": [_plain(project) for project in found.projects],
        "total": _plain(found.total),
    }


def _plain(project: Project) -> dict[str, Any]:
    return msgspec.structs.asdict(project) | {
        "inference": project.inference, "budget": project.budget, "share": project.share, "verdict": project.verdict,
        "cure": project.cure,
    }  # fmt: skip
