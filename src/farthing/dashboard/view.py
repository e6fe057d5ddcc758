"""What a page gets when somebody opens it: who, what it is narrowed to, where to read, and how to write addresses."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from starlette.datastructures import QueryParams

from farthing.dashboard.filters import SCOPES, Filters, address
from farthing.dashboard.forms import Posted
from farthing.dashboard.sources import Sources
from farthing.gateway.guard import Need, Pass
from farthing.model.principal import OPERATOR, Role
from farthing.model.record import Record
from farthing.store.engine import Connection

T = TypeVar("T")


class View:
    """One opened page."""

    def __init__(
        self, path: str, params: Mapping[str, str], query: QueryParams, filters: Filters, entered: Pass, sources: Sources,
        token: str = "", posted: Posted | None = None, *, signed_in: bool = False,
    ) -> None:  # fmt: skip
        self.path = path
        self.params = params
        """Parts of the address, such as a call's id."""
        self.query = query
        self.filters = filters
        self.entered = entered
        self.sources = sources
        self.token = token
        """For the hidden field of forms; the macros of forms put it in."""
        self.posted = posted
        """A form of this page that was sent and did not work."""
        self.signed_in = signed_in
        """Whether there is a session to end."""
        self.now_us = sources.now_us()

    @property
    def tenant(self) -> str:
        return self.entered.tenant

    @property
    def where(self) -> dict[str, str]:
        """The scope as sums are kept by it. Whoever sees its own calls alone is held to its key, whatever the address says."""
        return self.filters.of_reports | self._own

    @property
    def where_calls(self) -> dict[str, str]:
        """The scope of lists of calls."""
        return self.filters.where | self._own | {"tenant": self.tenant}

    @property
    def _own(self) -> dict[str, str]:
        entered = self.entered
        if entered.key is None or entered.may("viewer"):
            return {}
        return {"user": entered.person} if entered.person else {"key": entered.key.id}

    def owns(self, record: Record) -> bool:
        """Whether a call is among those that they may see."""
        own = {"key": record.key_id, "user": record.user}
        return record.tenant == self.tenant and all(own[name] == said for name, said in self._own.items())

    def may(self, role: Role) -> bool:
        return self.entered.may(role)

    def meets(self, need: Need) -> bool:
        """Whether the guard would let them through."""
        entered = self.entered
        whole = not need.whole or entered.key is None or entered.key.tenant == OPERATOR
        return entered.may(need.role) and whole and (not need.everywhere or entered.everywhere)

    def href(self, path: str | None = None, **changes: str | None) -> str:
        """This page (or another) with the same filters and these changes; None takes one away."""
        return address(path or self.path, self.filters, changes)

    def calls(self, **where: str) -> str:
        """Where the calls behind a figure are listed."""
        return address("/calls", self.filters, where)

    def csv(self, table: str) -> str:
        """Where a table of this page is downloaded, as it is narrowed now."""
        base = f"{self.path.rstrip('/')}/csv/{table}"
        return f"{base}?{self.query}" if self.query else base

    def action(self, name: str) -> str:
        """Where the form of an action of this page is sent."""
        base = f"{self.path.rstrip('/')}/{name}"
        return f"{base}?{self.query}" if self.query else base

    @property
    def again(self) -> str:
        """This page just as it was asked for."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def typed(self, action: str, field: str, default: str = "") -> str:
        """What stands in a field: what was typed before it did not work, else `default`."""
        if self.posted is None or self.posted.action != action:
            return default
        return self.posted.form.get(field, "")

    def kept(self) -> list[tuple[str, str]]:
        """What a form of filters must send along: all that the address says beside what the form sets itself."""
        own = ("period", "compare", "before", "page", "add", "is", *SCOPES)
        others = [(name, value) for name, value in self.query.multi_items() if name not in own]
        return [*others, *self.filters.where.items()]

    @property
    def who(self) -> str:
        key = self.entered.key
        return key.name if key is not None else "this machine"

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Whatever `work` reads from the store, in a thread."""
        return await self.sources.store.do(work)
