"""The doctor's findings: what kept prompts from being read from providers' caches, in dollars a month, and how to mend each.

    lost     tokens that could have been read and were not x (plain rate - read rate of the model at that time)
    a month  lost x 30 days / the time that was looked at, of at least one day

A loss that is over counts with what it cost in the time looked at. Standard rates are taken, whatever tier served. Findings
add up: a call is counted under one of them.
"""

from collections.abc import Mapping, Sequence

import msgspec

from farthing.finops.amounts import amounts
from farthing.model.money import Nano
from farthing.store.busters import LOOKED, Broken, broken, span
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

MONTH_DAYS = 30

WHAT = {
    "date": "A date or time in {spot} changes from call to call", "epoch": "A Unix time in {spot} changes from call to call",
    "uuid": "A UUID in {spot} changes from call to call", "hex id": "A hexadecimal id in {spot} changes from call to call",
    "jwt": "A token (JWT) in {spot} changes from call to call", "number": "A number in {spot} changes from call to call",
    "name": "A name or another short word in {spot} changes from call to call", "text": "Some words in {spot} change from call to call",
    "tool order": "The same tools come in another order", "tools": "Some tools come and go between calls",
    "key order": "The same JSON in {spot} has its members in another order", "whitespace": "White space in {spot} changes from call to call",
    "settings": "Settings that a provider reads before the prompt change (effort, format of the answer, tool choice, thinking)",
    "model": "Calls with the same prompt go to several versions of the model", "minimum": "What the prompts share is just shorter than the model's cache takes",
    "host": "Calls with the same prompt go to several places, each with a cache of its own", "gap": "The next call with the same prompt comes after the cache has let go of it",
    "unmarked": "Nothing asks the provider to keep what the prompts share", "unexplained": "The provider did not read what it could have, and nothing had changed",
}  # fmt: skip
"""In a sentence, without its full stop."""

_END = "to the end of the prompt, behind all that stays the same"
FIXES = {
    "date": f"Move it {_END}, or round it to the day.", "epoch": f"Move it {_END}, or leave it out.",
    "uuid": f"Move it {_END}, or send it as metadata.", "hex id": f"Move it {_END}, or send it as metadata.",
    "jwt": "Take it out: a model needs no token; send it as a header of the tool's own call.",
    "number": f"Move it {_END}.", "name": f"Move it {_END}: say first what holds for everybody.", "text": f"Move what changes {_END}.",
    "tool order": "Sort the tools by name, or set [prompts] repair = true.",
    "tools": "Send all tools each time, in one order, and say with tool_choice which may be used.",
    "key order": "Write the JSON with sorted keys; for tools, [prompts] repair = true does it.",
    "whitespace": "Build the prompt from one template, and write JSON with one set of separators.",
    "settings": "Keep these settings the same within a feature, or give each variant a feature of its own.",
    "model": "Name one version of the model.",
    "minimum": "Make the fixed part longer than the minimum, with examples that help anyhow; else accept it.",
    "host": "Send a session to one place: set [prompts] provider_caching = \"auto\", or give one deployment all of the weight.",
    "gap": "Ask for the longer lifetime where calls come often enough: [prompts] provider_caching = \"auto\" does so when it pays; "
    "requests with marks of their own say ttl 1h in them.",
    "unmarked": "Set [prompts] provider_caching = \"auto\", or mark the end of the fixed part with cache_control.",
    "unexplained": "Send a prompt_cache_key for calls that share a prompt; what stays is the provider's own.",
}  # fmt: skip


class Finding(msgspec.Struct, frozen=True):
    """One reason at one place, for one feature and model."""

    tenant: str
    feature: str
    model: str
    kind: str
    place: str
    """`tools`, `system 1`, `message 2`; `all` or `settings` where no text shows it."""
    at_byte: int
    """Where in the block, of its JSON as it was sent."""
    shape: str
    """What changes, with letters and digits masked."""
    calls: int
    looked: int
    """Calls of the feature to the model that were looked at."""
    tokens: int
    lost: Nano
    month: Nano
    last_us: int
    """When it was seen last."""
    what: str
    fix: str


class Report(msgspec.Struct, frozen=True):
    """Findings, the dearest first."""

    since_us: int
    until_us: int
    """The first and the last moment that was looked at; both 0 where nothing was."""
    looked: int
    """Calls that were looked at."""
    tokens: int
    """Their input."""
    findings: list[Finding]

    @property
    def lost(self) -> Nano:
        return sum(each.lost for each in self.findings)

    @property
    def month(self) -> Nano:
        return sum(each.month for each in self.findings)


def read(
    connection: Connection, since_us: int, until_us: int, *, tenant: str = "", feature: str | None = None
) -> Report:
    """What was found on these days (UTC, widened to whole ones)."""
    rows = broken(connection, since_us, until_us, tenant=tenant, feature=feature)
    first, last = span(connection, since_us, until_us, tenant=tenant)
    return report_of(rows, first, last)


def of_scope(
    connection: Connection, since_us: int, until_us: int, tenant: str, where: Mapping[str, str]
) -> Report | None:  # fmt: skip
    """The same for the calls of a filter; None where sums are not kept for it."""
    if not set(where) <= {"feature"}:
        return None
    return read(connection, since_us, until_us, tenant=tenant, feature=where.get("feature"))


def report_of(rows: Sequence[Broken], first_us: int, last_us: int) -> Report:
    """Findings of sums over the time between these moments."""
    looked = {(each.tenant, each.feature, each.model): each for each in rows if each.kind == LOOKED}
    time_us = max(DAY_US, last_us - first_us)
    found = [
        Finding(
            each.tenant, each.feature, each.model, each.kind, each.place, each.at_byte, each.shape, each.calls,
            looked[each.tenant, each.feature, each.model].calls if (each.tenant, each.feature, each.model) in looked else each.calls,
            each.tokens, each.nano, each.nano * MONTH_DAYS * DAY_US // time_us, each.last_us, _what(each),
            FIXES.get(each.kind, ""),
        )
        for each in rows
        if each.kind != LOOKED
    ]  # fmt: skip
    found.sort(key=lambda each: (-each.lost, each.tenant, each.feature, each.model, each.kind, each.place))
    return Report(
        first_us, last_us, sum(each.calls for each in looked.values()), sum(each.tokens for each in looked.values()), found
    )  # fmt: skip


def _what(each: Broken) -> str:
    """The spot, exactly."""
    said = WHAT.get(each.kind, each.kind).format(spot=f"{each.place}, byte {each.at_byte}")
    shape = f": `{each.shape}`" if each.shape.strip(" .") else ""
    return f"{said}{shape}."


def plain(report: Report) -> dict[str, object]:
    """For machines."""
    findings = []
    for each in report.findings:
        shown = msgspec.structs.asdict(each)
        findings.append(shown | {"lost": amounts(each.lost), "month": amounts(each.month)})
    return {
        "since_us": report.since_us, "until_us": report.until_us, "calls_looked_at": report.looked, "tokens_looked_at": report.tokens,
        "lost": amounts(report.lost), "month": amounts(report.month), "findings": findings,
    }  # fmt: skip
