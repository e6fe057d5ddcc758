"""What a page is: an address, who may see it, how it reads its values, and what can be done on it.

The template is `templates/NAME.html`. `Table` values can be downloaded as CSV, `Chart` values are drawn before the
template is filled; both by being in what `read` gives.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from farthing.dashboard.forms import Form
from farthing.dashboard.view import View
from farthing.gateway.guard import Need

Values = Mapping[str, Any]
Read = Callable[[View], Awaitable[Values]]
Section = Literal["Cost", "Control", "Levers", "Set-up", ""]


class Done(NamedTuple):
    """What an action says when it leads to another page."""

    said: str
    href: str
    """An address of ours, such as `view.href("/budgets/b1")`."""


@dataclass(frozen=True)
class Action:
    """A change that somebody makes with a form of the page; sent to `PATH/NAME`."""

    need: Need
    do: Callable[[View, Form], Awaitable[str | Done | Values]]
    """Makes it, and says in a sentence what was done: the page is then opened again, and says so. Raises FarthingError,
    whose message the page shows beside what was typed. Values instead of a sentence are added to those of the page, which
    is shown at once: for what must be kept nowhere, such as a new secret."""


@dataclass(frozen=True)
class Page:
    name: str
    path: str
    title: str
    need: Need
    read: Read
    section: Section = ""
    """Where it stands in the menu; nowhere if empty."""
    filters: tuple[str, ...] = ("period", "scope")
    """Which of period, scope and compare narrow it."""
    actions: Mapping[str, Action] = field(default_factory=dict)
    standalone: bool = False
    """Whether it is a document of its own, in one file that is whole, instead of a page with the menu beside it."""
    live: bool = False
    """Whether it is read again when sums have changed, though no period narrows it."""

    def is_live(self, view: View) -> bool:
        """Whether its figures may still move: what is over stays as it is."""
        return view.filters.period.until_us > view.now_us if "period" in self.filters else self.live
