"""One business transaction: what it cost, how it ended, and the calls and tools that served it."""

from farthing.dashboard.formats import money
from farthing.dashboard.page import Page, Values
from farthing.dashboard.periods import day_of
from farthing.dashboard.units import tables
from farthing.dashboard.view import View
from farthing.finops.transactions import human_cost_of
from farthing.gateway.guard import VIEWER
from farthing.model.errors import NotFound
from farthing.model.transaction import joined_name
from farthing.store.schema_transactions import TRANSACTION_SUMS
from farthing.store.transaction_state import State
from farthing.store.units import Units


async def read(view: View) -> Values:
    """Raises NotFound."""
    kind, id_ = view.query.get("type", ""), view.query.get("id", "").strip()
    known = Units(view.sources.store)
    state = await known.one(view.tenant, kind, id_)
    if state is None:
        raise NotFound(
            "There is no such transaction.\nIts type and id are what calls say in x-farthing-transaction: TYPE/ID."
        )
    name = joined_name(kind, id_)
    where = {"transaction": name, "tenant": view.tenant}
    calls = await view.sources.store.calls(where=where, limit=tables.MOST_CALLS + 1)
    listed = view.href("/calls", transaction=name, period=_period(state))
    sums = dict(zip(TRANSACTION_SUMS, state.sums, strict=True))
    user, plan = state.owner
    return {
        "kind": kind, "id": id_, "state": state, "sums": sums, "user": user, "plan": plan, "said": state.said,
        "known": state.knowledge != "partly", "by_hand": money(human_cost_of(kind, view.sources.settings.transactions)),
        "lasted": state.last_us - state.first_us if state.first_us is not None and state.last_us is not None else None,
        "calls": tables.calls(view, calls, listed if len(calls) > tables.MOST_CALLS else ""), "listed": listed,
        "tools": tables.tools(await known.costs(view.tenant, kind, id_)), "href": view.href("/units/type", type=kind),
    }  # fmt: skip


def _period(state: State) -> str:
    """The days of its calls, as an address names them."""
    first, last = (day_of(each or 0).isoformat() for each in (state.first_us, state.last_us))
    return first if first == last else f"{first}..{last}"


PAGE = Page("transaction", "/units/one", "Transaction", VIEWER, read, filters=())
