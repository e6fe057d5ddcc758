"""Which model may do which work: tasks, tiers, and the table that was measured. Plain values.

`quality/` makes a table from evidence, `store/` keeps its versions, `steps/route` picks by it, `farthing routes` shows it.
"""

from typing import Literal

import msgspec

Tier = Literal["small", "mid", "flagship"]
TIERS: tuple[Tier, ...] = ("small", "mid", "flagship")
"""From the cheapest up."""

ROUTED = frozenset(("auto", *(f"auto:{tier}" for tier in TIERS), *TIERS))
"""Names that stand for no model: who asks for one leaves the choice to Farthing."""

TASKS = (
    "classification", "extraction", "summarisation", "qa", "reasoning", "creative", "code", "rewrite", "embedding",
)  # fmt: skip
"""Kinds of work that are told apart by themselves. Callers may declare any other."""

ANY = "*"
"""The scope, and the tenant, that stands for all."""

State = Literal["prior", "measured", "demoted", "locked"]
"""How a cell is known: by outcomes of others alone; by evidence of this tenant; found worse than its floor allows; set by
an operator, who wants this model whatever evidence says."""


class Cell(msgspec.Struct, frozen=True):
    """How well one model does in one scope, as a share of the flagship's quality (1.0: as good)."""

    model: str
    quality: float
    """The best estimate."""
    lower: float
    """Its lower confidence bound (95 %, one-sided, valid at any time): what must clear the floor."""
    observations: float = 0
    """How many comparisons of this scope stand behind it; the prior's do not count."""
    state: State = "prior"
    out_tokens: float = 0
    """Output tokens of a call, expected; 0 where nothing is known."""
    why: str = ""
    """The evidence in a few words."""


class Table(msgspec.Struct, frozen=True):
    """All cells, by (tenant, scope). A scope is `template:HASH`, `task:NAME`, or ANY; a look-up goes from the first to
    the last, and from the tenant to ANY."""

    version: int = 0
    made_us: int = 0
    cells: dict[tuple[str, str], dict[str, Cell]] = {}

    def cell(self, tenant: str, scopes: tuple[str, ...], model: str) -> Cell | None:
        """The nearest that is known of `model`; `scopes` from the narrowest to the widest. A template counts as the rest of
        its task, where more may have been shown, unless it was locked or demoted itself."""
        for whose in (tenant, ANY):
            nearest: Cell | None = None
            for scope in scopes:
                found = self.cells.get((whose, scope), {}).get(model)
                if found is None:
                    continue
                if nearest is not None:
                    wider = scope != ANY and found.state != "demoted" and found.lower > nearest.lower
                    return found if wider else nearest
                if found.state in ("demoted", "locked") or not scope.startswith("template:"):
                    return found
                nearest = found
            if nearest is not None:
                return nearest
        return None

    def lock(self, tenant: str, scopes: tuple[str, ...]) -> str:
        """The model that an operator set for such work, in the nearest scope that has one; empty where none was set."""
        for whose in (tenant, ANY):
            for scope in scopes:
                for cell in self.cells.get((whose, scope), {}).values():
                    if cell.state == "locked":
                        return cell.model
        return ""

    def over(self, prior: "Table") -> "Table":
        """This table, with what `prior` knows where this one knows nothing."""
        cells = {place: dict(found) for place, found in prior.cells.items()}
        for place, found in self.cells.items():
            cells[place] = {**cells.get(place, {}), **found}
        return Table(self.version, self.made_us, cells)


def scopes_of(template: str, task: str) -> tuple[str, ...]:
    """Where a call is looked up, from the narrowest scope to the widest."""
    named = ((f"template:{template}",) if template else ()) + ((f"task:{task}",) if task else ())
    return (*named, ANY)
