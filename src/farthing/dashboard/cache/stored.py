"""Stored answers: which save most, which people approved, and dropping them. What was asked and answered is not shown."""

from collections.abc import Sequence
from urllib.parse import quote

from farthing.dashboard.cache.hits import size
from farthing.dashboard.cache.reading import forget
from farthing.dashboard.formats import count, percent
from farthing.dashboard.forms import Form
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.model.errors import BadRequest, NotFound, Unavailable
from farthing.settings import CacheSettings
from farthing.store import StoreError, audit
from farthing.store.engine import Connection
from farthing.store.entries import Entries, Stats, Which, Worth

COLUMNS = (
    Column("entry", "Answer", help="Leads to the call that it is of."), Column("feature", "Feature"), Column("model", "Asked for"),
    Column("made", "Made (UTC)", "moment"), Column("until", "Until", "moment", "Empty: it never ends."), Column("hits", "Hits", "count"),
    Column("saved", "Saved", "money"), Column("size", "Size", "exact"), Column("state", "State"),
)  # fmt: skip
HOW = "Questions and answers are your callers': farthing cache inspect ID --show-text shows them."


def table(view: View, name: str, title: str, found: Sequence[Worth], empty: str) -> Table:
    return Table(name, title, COLUMNS, [_row(view, each) for each in found], empty=empty, note=HOW)


def _row(view: View, each: Worth) -> Row:
    over = each.expires_us and each.expires_us <= view.now_us and not each.pinned
    state = "approved" if each.pinned else "over" if over else ""
    values = (
        each.id,
        each.scope,
        each.asked,
        each.created_us,
        each.expires_us or None,
        each.hits,
        each.saved,
        size(each.bytes),
        state or None,
    )
    href = view.href(f"/calls/{quote(each.source_call, safe='')}") if each.source_call else ""
    return Row(values, href=href, mark="quiet" if over else "")


def room(stats: Stats, settings: CacheSettings) -> dict[str, str]:
    """The store against its budget."""
    share = max(stats.bytes / (settings.max_mb * 2**20), stats.entries / settings.max_entries)
    note = f"{size(stats.bytes)} of {settings.max_mb:,} MiB, {count(stats.entries)} of {count(settings.max_entries)} answers; {count(stats.pinned)} approved"
    return {"title": "Store, full to", "value": percent(share), "note": note, "state": "warn" if share >= 0.95 else ""}


async def purge(view: View, form: Form) -> str:
    """Drop the answers of a feature, one answer, or all of the tenant; as `farthing cache purge`."""
    which, words, detail = _meant(form)
    entries = _entries(view)
    try:
        dropped = await entries.drop(view.tenant, which)
    except StoreError:
        raise Unavailable("The store of answers cannot be written right now.", retry_after=5) from None
    forget(view)
    if which.ids is not None and not dropped:
        raise NotFound("There is no such answer any more.")
    who, tenant = view.entered.who, view.tenant

    def noted(connection: Connection) -> None:
        with connection.transaction():
            audit.note(connection, "cache", words, "purged", tenant=tenant, who=who, answers=dropped, **detail)

    await view.read(noted)
    stay = " Approved ones stay." if which.keep_pinned else ""
    return f"{dropped:,} answer{'' if dropped == 1 else 's'} of {words} dropped. The next calls ask the model.{stay}"


def _meant(form: Form) -> tuple[Which, str, dict[str, str]]:
    """Which answers, in words, and for the log. Raises BadRequest."""
    pins = bool(form.get("pins"))
    match form.get("what", ""):
        case "feature":
            feature = form.get("feature", "")
            return (
                Which(scope=feature, keep_pinned=not pins),
                f"feature {feature or '(none)'}",
                {"approved": "too" if pins else "stay"},
            )
        case "entry":
            return Which(ids=(form.get("id", ""),)), f"answer {form.get('id', '')}"[:200], {}
        case "all":
            return Which(), "all features", {"approved": "too"}
    raise BadRequest("Say which answers are meant: those of a feature, one, or all.", param="what")


def _entries(view: View) -> Entries:
    if view.sources.entries is None:
        raise NotFound("This gateway keeps no answers: its cache is off.")
    return view.sources.entries
