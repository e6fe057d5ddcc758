"""Students on the page: which version of each scope is at work, how often it agrees, whether its inputs drift, and what it
spared. The figures are the sums that gateways decide by; the bound is the one that holds at any time."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.dashboard.formats import count, money, percent
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.model.arms import DISTILLATION
from farthing.quality.noninferiority import Counts, lower
from farthing.selfhost.students.drifting import DRIFT_NEEDS, abstains_far_more
from farthing.store.reading import LeverRow
from farthing.store.students import LIVE, Looks, Students, Version

MOST_SCOPES = 60
"""Whose sums are read; those at work come first."""
STATES = {
    "mute": "answers nothing", "shadow": "on trial", "serving": "serves", "former": "former", "retreated": "taken back",
    "replaced": "replaced",
}  # fmt: skip
COLUMNS = (
    Column("scope", "Scope", "scope"), Column("version", "Version", "count"), Column("feature", "Feature", help="Whose calls it learned from."),
    Column("state", "State"), Column("teacher", "Teacher"),
    Column("judged", "Calls seen", "count", "While it serves; or on trial, beside its teacher."),
    Column("coverage", "Coverage", "progress", "Share of these calls that it answers, or would; the rest goes to the teacher."),
    Column("compared", "Audits", "count", "Of its answers: those that the teacher gave too."),
    Column("agreement", "Agreement", "percent", "Of the audits: the same answer as the teacher's."),
    Column("bound", "At least", "percent", "95 % sure, however often one looks."),
    Column("target", "Target", "percent"), Column("drift", "Drift", "prose"),
    Column("spared", "Spared", "money", "Its answers, at the teacher's mean cost while it was on trial; since it was made."),
)  # fmt: skip
VERSION_COLUMNS = (
    Column("scope", "Scope", "scope"), Column("version", "Version", "count"), Column("feature", "Feature"), Column("state", "State"), Column("since", "Since (UTC)", "moment"),
    Column("made", "Made (UTC)", "moment"), Column("pairs", "Learned from", "count", "Captured calls."),
    Column("models", "Asked as", help="It answers calls that ask for one of these models."),
    Column("answers", "Answers known", "count"), Column("coverage", "Coverage in training", "percent"),
    Column("bound", "Agreement shown", "percent", "What training showed it to be at least."), Column("why", "Why", "prose"),
)  # fmt: skip
EMPTY = (
    "No student yet. With [capture] and [student] mode = on, calls whose answers are a closed set train one; it is tried "
    "beside its teacher and answers once it is shown to agree."
)


class Known(msgspec.Struct, frozen=True):
    """What is read of a version's facts."""

    answers: tuple[str, ...] = ()
    target: float | None = None
    pairs: int = 0
    answered: int = 0
    bound: float | None = None
    features: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def feature(self) -> str | None:
        """None of a student that was trained before this was kept, or on calls without one."""
        return ", ".join(self.features) or None

    @property
    def coverage(self) -> float | None:
        return self.answered / self.pairs if self.pairs else None


class Head(NamedTuple):
    """The version of a scope that is at work, or the newest one."""

    version: Version
    known: Known
    looks: Sequence[Looks]

    @property
    def serves(self) -> bool:
        return self.version.state == "serving"

    def sum(self, name: str, *kinds: str) -> int:
        return sum(getattr(each, name) for each in self.looks if each.kind in kinds)

    @property
    def judged(self) -> int:
        return self.sum("judged", self._kind)

    @property
    def sure(self) -> int:
        return self.sum("sure", self._kind)

    @property
    def _kind(self) -> str:
        """A version that was taken back is shown as it was while it served."""
        return "shadow" if self.version.state in ("shadow", "replaced") else "serving"

    @property
    def audits(self) -> Counts:
        kind = "shadow" if self._kind == "shadow" else "audit"
        compared, agreed = self.sum("compared", kind), self.sum("agreed", kind)
        return Counts(same=agreed, worse=compared - agreed)

    @property
    def spared(self) -> int | str | None:
        """Nano-dollars, estimated. None before it answers; `UNKNOWN` where the teacher's answers had no price."""
        answered, priced = self.sum("sure", "serving"), self.sum("priced", "shadow", "serving", "audit")
        if not answered:
            return None
        return answered * self.sum("cost", "shadow", "serving", "audit") // priced if priced else UNKNOWN


class Found(NamedTuple):
    heads: list[Head]
    versions: list[Version]
    lever: LeverRow
    """What the ledger booked in the period."""

    @property
    def left_out(self) -> int:
        return len({each.scope for each in self.versions}) - len({each.version.scope for each in self.heads})


async def read(view: View) -> Found:
    kept, period = Students(view.sources.store), view.filters.period
    versions = await kept.versions(tenant=view.tenant)
    heads = [Head(each, known_of(each), await kept.looks(each.tenant, each.scope, each.version)) for each in at_work(versions)]  # fmt: skip
    levers = await view.sources.store.levers(period.since_us, period.until_us, tenant=view.tenant)
    lever = next((each for each in levers if each.lever == DISTILLATION), LeverRow(DISTILLATION))
    return Found(heads, versions, lever)


def at_work(versions: Sequence[Version]) -> list[Version]:
    """The live ones; of a scope without any its newest. Those that serve first."""
    live = [each for each in versions if each.state in LIVE]
    scopes = {each.scope for each in live}
    newest: dict[str, Version] = {}
    for each in versions:
        newest.setdefault(each.scope, each)
    rest = [each for scope, each in newest.items() if scope not in scopes]
    order = sorted([*live, *rest], key=lambda each: (each.state != "serving", each.state != "shadow", -each.changed_us))
    return order[:MOST_SCOPES]


def known_of(version: Version) -> Known:
    """Nothing is known of what cannot be read."""
    try:
        return msgspec.json.decode(version.facts, type=Known)
    except msgspec.MsgspecError:
        return Known()


def table(found: Found) -> Table:
    note = "Agreement and its bound are of audits while it serves, of all its answers on trial. What was spared is an estimate; the sum above is what the ledger booked."  # fmt: skip
    if found.left_out:
        note += f" {found.left_out} more scopes are in the table of versions."
    return Table("students", "Students", COLUMNS, [_row(each) for each in found.heads], empty=EMPTY, note=note if found.heads else "")  # fmt: skip


def _row(head: Head) -> Row:
    version, audits = head.version, head.audits
    bound = 1 + lower(audits) if audits.n else None
    is_bad = version.state == "retreated" or (bound is not None and head.known.target is not None and bool(audits.n) and audits.same / audits.n < head.known.target)  # fmt: skip
    return Row(
        (
            version.scope, version.version, head.known.feature, STATES.get(version.state, version.state), version.teacher or UNKNOWN, head.judged,
            head.sure / head.judged if head.judged else None, round(audits.n), audits.same / audits.n if audits.n else None,
            bound, head.known.target, drift(head), head.spared,
        ),
        mark="bad" if is_bad else "good" if head.serves else "quiet" if version.state != "shadow" else "",
    )  # fmt: skip


def drift(head: Head) -> str:
    """In words."""
    trained = head.known.coverage
    if head.version.state == "mute":
        return head.version.why
    if head.version.state == "retreated":
        return f"taken back: {head.version.why}"
    if head.judged < DRIFT_NEEDS or trained is None:
        return f"too few calls to tell: {head.judged:,} of {DRIFT_NEEDS}"
    if abstains_far_more(head.judged, head.sure, trained):
        return f"its inputs drift: it answers {percent(head.sure / head.judged, 0)}, {percent(trained, 0)} in training"
    return f"none seen; {percent(trained, 0)} answered in training"


def versions(found: Found) -> Table:
    rows = [
        Row(
            (
                each.scope, each.version, known.feature, STATES.get(each.state, each.state), each.changed_us, each.made_us, known.pairs or None,
                ", ".join(known.models) or None,
                len(known.answers) or None, known.coverage, known.bound if known.answered else None, each.why,
            )
        )
        for each in found.versions
        for known in (known_of(each),)
    ]  # fmt: skip
    return Table("versions", "Versions of students", VERSION_COLUMNS, rows, empty=EMPTY)


def tiles(found: Found) -> list[dict[str, str]]:
    """None where there was never a student."""
    if not found.versions and not found.lever.calls:
        return []
    serving = [each for each in found.heads if each.serves]
    judged, sure = sum(each.judged for each in serving), sum(each.sure for each in serving)
    trial = sum(each.version.state == "shadow" for each in found.heads)
    lever = found.lever
    spent = f", {money(lever.overhead)} for audits" if lever.overhead else ""
    return [
        {"title": "Saved by students", "value": money(lever.saved), "note": f"{count(lever.calls)} bookings in this period{spent}; estimated", "state": "good" if lever.saved > 0 else "bad" if lever.saved < 0 else ""},
        {"title": "Students that serve", "value": f"{len(serving)}", "note": f"they answer {percent(sure / judged, 0)} of the calls they see; {trial} on trial" if judged else f"{trial} on trial"},
    ]  # fmt: skip
