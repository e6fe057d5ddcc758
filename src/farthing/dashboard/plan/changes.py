"""Settings that were proposed: what each would change of those that this gateway runs with, and what people do with it. Whoever may
edit proposes, an administrator decides; it is written into the file where the gateway is started."""

from typing import Any, NamedTuple

from farthing.dashboard.formats import moment
from farthing.dashboard.forms import Form
from farthing.dashboard.known_settings import lines, shown
from farthing.dashboard.plan import kept
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.plans.settings_text import chosen, flat
from farthing.model.errors import BadRequest
from farthing.settings import Settings
from farthing.store.plans import Plans
from farthing.store.proposed_settings import ProposedSettings, SettingChanges

LISTED = 50
LONGEST_WHY = 500


class Change(NamedTuple):
    """One setting."""

    name: str
    now: str
    then: str

    @property
    def is_done(self) -> bool:
        return self.now == self.then


class Proposal(NamedTuple):
    kept: ProposedSettings
    made: str
    changes: list[Change]

    @property
    def is_in_force(self) -> bool:
        return bool(self.changes) and all(each.is_done for each in self.changes)


async def read(view: View) -> list[ProposedSettings]:
    return await SettingChanges(view.sources.store).every(LISTED)


def waiting(view: View, found: list[ProposedSettings]) -> list[Proposal]:
    """Those on which somebody must do something."""
    known = known_settings(view.sources.settings)
    open_ = [each for each in found if each.state in ("proposed", "accepted")]
    return [Proposal(each, moment(each.at_us), changes_of(each.toml, known)) for each in open_]


def known_settings(settings: Settings) -> dict[str, str]:
    return {line.name: line.value for line in lines(settings)}


def changes_of(toml: str, known: dict[str, str]) -> list[Change]:
    """What no table has yet is not set."""
    try:
        found = flat(toml)
    except ValueError:
        return []
    return [
        Change(".".join(place), known.get(".".join(place), "not set"), _shown(value)) for place, value in found.items()
    ]


def _shown(value: Any) -> str:
    return shown(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def history(found: list[ProposedSettings]) -> Table:
    columns = (
        Column("no", "Change"), Column("at", "Proposed (UTC)", "moment"), Column("who", "By", "prose"), Column("why", "Why", "prose"),
        Column("state", "State"), Column("decided", "Decided (UTC)", "moment"), Column("decided_by", "Decided by", "prose"),
    )  # fmt: skip
    rows = [
        Row((each.no, each.at_us, each.who, each.why, each.state, each.decided_us or None, each.decided_by or None))
        for each in found
        if each.state in ("rejected", "written")
    ]
    return Table("changes", "What was decided", columns, rows, empty="Nothing was decided yet.")


async def propose(view: View, form: Form) -> str:
    found = await kept.read(view)
    names = form.getlist("lever")
    if found.document is None or found.line is None:
        raise BadRequest("There is no plan to take settings from.")
    text = chosen(found.document.plan.levers, names)
    if not text:
        raise BadRequest("Choose at least one strategy.", param="lever")
    why = form.get("why", "").strip()[:LONGEST_WHY] or f"plan {found.line.no}: {', '.join(names)}"
    no = await SettingChanges(view.sources.store).propose(text, why, view.entered.who, view.now_us, plan=found.line.no)
    return f"Change {no} is proposed. An administrator accepts it below."


async def accept(view: View, form: Form) -> str:
    no = await _move(view, form, "accepted")
    return f"Change {no} is accepted. Nothing has changed yet: farthing plan apply {no} writes it, and the next start takes it up."


async def reject(view: View, form: Form) -> str:
    return f"Change {await _move(view, form, 'rejected')} is put away."


async def _move(view: View, form: Form, state: Any) -> int:
    text = form.get("change", "")
    no = int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0
    if not await SettingChanges(view.sources.store).move(no, state, view.entered.who, view.now_us):
        raise BadRequest("There is no such change, or somebody has decided it already. Look again.")
    return no


async def ask(view: View, form: Form) -> str:
    if not await Plans(view.sources.store).ask(view.now_us, view.entered.who):
        raise BadRequest("A plan is being made already. Open the page again in a few minutes.")
    return "A gateway makes a plan now, beside its calls. Open the page again in a few minutes."
