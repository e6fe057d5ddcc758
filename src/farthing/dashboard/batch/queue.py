"""The queue in figures: what waits and since when, which deadlines are near, whose lines they are, how others ended."""

from farthing.dashboard.formats import count, duration, money, percent
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.waiting import WAYS, Queue, Span, Waiting

SPAN_COLUMNS = (Column("span", "Lines"), Column("lines", "Count", "count"), Column("share", "Share", "progress"))
TENANT_COLUMNS = (
    Column("tenant", "Tenant"), Column("jobs", "Open jobs", "count"), Column("waiting", "Wait", "count", "They may be sent now."),
    Column("away", "Under way", "count", "With a provider, taken to be sent, or set aside for a later moment."),
    Column("late", "Late", "count", "Their deadline is over."), Column("oldest", "Oldest came (UTC)", "moment"),
    Column("due", "Tightest deadline (UTC)", "moment"), Column("held", "Held", "money", "What those with providers can cost at most."),
)  # fmt: skip
WAY_COLUMNS = (
    Column("way", "Worked by"), Column("lines", "Lines", "count"), Column("answered", "Answered", "count"), Column("failed", "Failed", "count"),
    Column("expired", "Expired", "count"), Column("in_time", "In time", "percent", "Ended before their deadline, of all that ended."),
    Column("wait", "Mean wait", "duration"), Column("cost", "Cost", "money"),
    Column("baseline", "Without levers", "money", "What they would have cost as they were sent."), Column("saved", "Saved", "money", "By all levers together."),
)  # fmt: skip
SAVED_COLUMNS = (
    Column("lever", "Lever"), Column("bookings", "Bookings", "count"), Column("before", "Before", "money", "At the service tier that was asked for."),
    Column("after", "After", "money"), Column("twice", "Paid twice", "money", "Answers of batches whose line had been answered otherwise."),
    Column("saved", "Saved", "money"), Column("estimated", "Of it estimated", "money", "Answers that another line's client got."),
)  # fmt: skip
AT_LEAST = "There are more open jobs than are summed up: what is under way and late is more than that."


def tiles(view: View, found: Waiting) -> list[dict[str, str]]:
    return [_waiting(view, found.queue), _tightest(view, found.queue), _met(view, found), _saved(view, found)]


def _waiting(view: View, queue: Queue) -> dict[str, str]:
    more = f"{count(queue.away)} more under way, of {count(queue.jobs)} open job{'s' if queue.jobs != 1 else ''}"
    age = f"; the oldest waits for {duration(view.now_us - queue.oldest_us)}" if queue.oldest_us is not None else ""
    return {"title": "Lines that wait", "value": count(queue.waiting), "note": f"{more}{age}"}


def _tightest(view: View, queue: Queue) -> dict[str, str]:
    if queue.due_us is None:
        return {"title": "Tightest deadline", "value": "none", "note": "no job is open"}
    left = queue.due_us - view.now_us
    value = f"in {duration(left)}" if left > 0 else f"{duration(-left)} ago"
    held = f"; what is with providers can cost {money(queue.held)} at most" if queue.held else ""
    late = f"{count(queue.late)} line{'s are' if queue.late != 1 else ' is'} late" if queue.late else "nothing is late"
    return {"title": "Tightest deadline", "value": value, "note": f"{late}{held}", "state": "bad" if queue.late else ""}


def _met(view: View, found: Waiting) -> dict[str, str]:
    share, may = found.met_share, view.sources.settings.batch.late_percent / 100
    if share is None:
        return {"title": "Deadlines met", "value": percent(None), "note": "no line ended in this period"}
    note = f"{count(found.met)} of {count(found.ended)} lines that ended; {percent(may)} may miss it"
    return {"title": "Deadlines met", "value": percent(share, 2), "note": note, "state": "good" if 1 - share <= may else "bad"}  # fmt: skip


def _saved(view: View, found: Waiting) -> dict[str, str]:
    lever = found.lever
    if not lever.calls:
        return {"title": "Saved by waiting", "value": money(0), "note": "nothing is booked for this period"}
    twice = f", {money(lever.overhead)} paid twice" if lever.overhead else ", nothing paid twice"
    state = "good" if lever.saved > 0 else "bad" if lever.saved < 0 else ""
    return {"title": "Saved by waiting", "value": money(lever.saved), "note": f"from {money(lever.before)} to {money(lever.after)}{twice}", "state": state, "href": view.href("/") + "#savings"}  # fmt: skip


def spans(name: str, title: str, found: list[Span], empty: str) -> Table:
    whole = sum(each.lines for each in found)
    rows = [
        Row((each.label, each.lines, each.lines / whole), mark="bad" if each.most_us is not None and each.most_us <= 0 else "")
        for each in found
        if each.lines
    ]  # fmt: skip
    return Table(name, title, SPAN_COLUMNS, rows, empty=empty)


def tenants(view: View, found: list[Queue]) -> Table:
    """Of all tenants: for whoever may see them."""
    rows = [
        Row(
            (each.tenant, each.jobs, each.waiting, each.away, each.late, each.oldest_us, each.due_us, each.held),
            href=view.href(tenant=each.tenant), mark="bad" if each.late else "",
        )
        for each in found
    ]  # fmt: skip
    note = AT_LEAST if any(each.at_least for each in found) else ""
    return Table("tenants", "The queue by tenant", TENANT_COLUMNS, rows, empty="Nobody's lines wait.", note=note)


def ways(found: Waiting) -> Table:
    rows = [
        Row(
            (
                WAYS.get(row.way, row.way), row.lines, row.answered, row.failed, row.expired, row.met / row.lines, row.mean_wait_us,
                row.cost, row.baseline, row.baseline - row.cost,
            )
        )
        for row in found.ways
    ]  # fmt: skip
    note = "Lines that ended in the period; those that their client cancelled had no deadline and are not among them."
    return Table("ways", "How lines were worked", WAY_COLUMNS, rows, empty="No line ended in this period.", note=note if rows else "")  # fmt: skip


def saved(found: Waiting) -> Table:
    lever = found.lever
    values = (lever.lever, lever.calls, lever.before, lever.after, lever.overhead, lever.saved, lever.estimated)
    note = "Who uses a batch API at a provider that has one asked for that price himself: nothing is booked for it."
    return Table("saved", "What waiting saved", SAVED_COLUMNS, [Row(values)] if lever.calls else [], empty="Waiting saved nothing in this period.", note=note)  # fmt: skip
