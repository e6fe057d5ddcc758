"""The audit log: who changed what when. An entry is added in the transaction of the change itself, so that there is none
without the other; none is ever changed or taken away, and the numbers have no gaps.

What a change means is known to the part of the store that makes it. No secret and no hash of one is in an entry.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from farthing.model.money import show_dollars
from farthing.store.engine import Connection, Row
from farthing.store.rows import LONGEST_NAME, mended_text

Kind = Literal["key", "budget", "alert", "mute", "route", "correction", "rerate", "cache", "job", "student", "settings"]
KINDS: tuple[Kind, ...] = (
    "key",
    "budget",
    "alert",
    "mute",
    "route",
    "correction",
    "rerate",
    "cache",
    "job",
    "student",
    "settings",
)
NOBODY = "somebody"
"""Who it was, where nobody said."""
MOST_ENTRIES = 10_000
ALWAYS_US = 1 << 62

_COLUMNS = ("no", "at_us", "tenant", "who", "kind", "target", "what", "detail")
_json = msgspec.json.Encoder()


class AuditEntry(msgspec.Struct, frozen=True):
    """One change that somebody made. `at_us` is in microseconds since 1970."""

    no: int
    at_us: int
    tenant: str
    who: str
    """A key by its name and id, or a user of the machine where the command ran."""
    kind: Kind
    target: str
    """Of what was changed: the id of a key, a budget, an alert; the number of a version, a correction, a run."""
    what: str
    """What was done, in one word: made, changed, removed, and the like."""
    detail: dict[str, Any] = {}
    """How it was before, how it is since, and why, as far as there is such a thing."""


def note(
    connection: Connection, kind: Kind, target: object, what: str, *, tenant: str, who: str, **detail: object
) -> None:  # fmt: skip
    """Add an entry, as the last thing in the transaction of the change: until its end nobody else can add one."""
    connection.lock(("audit",))
    no = int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM audit")[0][0])
    said = {name: value for name, value in detail.items() if value is not None and value != ""}
    row = (
        no, time.time_ns() // 1000, mended_text(tenant, LONGEST_NAME), mended_text(who, LONGEST_NAME) or NOBODY, kind,
        mended_text(f"{target}", LONGEST_NAME), what, _json.encode(said).decode(),
    )  # fmt: skip
    connection.insert("audit", _COLUMNS, [row])


def entries(
    connection: Connection, *, tenant: str | None = None, kind: str = "", target: str = "", since_us: int = 0,
    until_us: int | None = None, before: int | None = None, limit: int = 100,
) -> list[AuditEntry]:  # fmt: skip
    """The newest first. `tenant` None means all; `before` is the number of the last entry of the page before."""
    tests, values = ["at_us >= ?", "at_us < ?"], [since_us, ALWAYS_US if until_us is None else until_us]
    asked = (("tenant", tenant), ("kind", kind or None), ("target", target or None))
    given: Sequence[object] = [value for _, value in asked if value is not None]
    tests += [f"{name} = ?" for name, value in asked if value is not None]
    if before is not None:
        tests.append("no < ?")
        given = [*given, before]
    rows = connection.query(
        f"SELECT {', '.join(_COLUMNS)} FROM audit WHERE {' AND '.join(tests)} ORDER BY no DESC LIMIT ?",
        (*values, *given, max(0, min(limit, MOST_ENTRIES))),
    )
    return [_entry(row) for row in rows]


def in_words(detail: Mapping[str, Any], longest: int = 100) -> str:
    """What changed, field by field where it is known how it was before; else what is known of it."""
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        changed = [name for name in after if before.get(name) != after[name] and name != "changed_us"]
        said = [
            f"{name}: {_word(name, before.get(name), before)} -> {_word(name, after[name], after)}" for name in changed
        ]
    else:
        known = after or before or detail
        told = {name: value for name, value in known.items() if value not in ("", 0, None, [], {}, False)}
        said = [
            f"{name}: {_word(name, value, known)}"
            for name, value in told.items()
            if name not in ("created_us", "changed_us")
        ]
    text = ", ".join(said)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _word(name: str, value: object, known: Mapping[str, Any]) -> str:
    """Moments as dates, and a budget's money as dollars."""
    if isinstance(value, int) and name.endswith("_us") and 0 < value < ALWAYS_US:
        return datetime.fromtimestamp(min(value, 4 * 10**15) / 1e6, UTC).isoformat(" ", "seconds")
    if isinstance(value, int) and name in ("amount", "max_call") and known.get("unit") == "money":
        return show_dollars(value)
    return str(value)


def _entry(row: Row) -> AuditEntry:
    no, at_us, tenant, who, kind, target, what, detail = row
    return AuditEntry(no, at_us, tenant, who, kind, target, what, msgspec.json.decode(detail))
