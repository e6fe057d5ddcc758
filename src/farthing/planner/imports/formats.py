"""Every format that can be imported, and which one a file looks like. A new one is a module with NAME, TITLE, looks_like and
read, and a place in this list."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from farthing.model.past import PastCall
from farthing.planner.imports import (
    anthropic_export,
    helicone,
    langfuse,
    litellm,
    openai_export,
    otel,
    plain,
    stored_completions,
)
from farthing.planner.imports.daily import Reader
from farthing.planner.imports.reading import Sample

SURE = 0.5
"""A file that looks like no format more than this is a table of one's own."""


class Format(NamedTuple):
    """One tool's log."""

    name: str
    title: str
    looks_like: Callable[[Sample], float]
    """From 0 to 1."""
    read: Callable[[Mapping[str, Any], str], Iterator[PastCall]]
    """A row into calls; where it stands names calls without an id. Raises BadRow, PassedOver."""


class DailyFormat(NamedTuple):
    """An export of sums by day."""

    name: str
    title: str
    looks_like: Callable[[Sample], float]
    provider: str
    bill: Reader


TOOLS = {
    each.NAME: Format(each.NAME, each.TITLE, each.looks_like, each.read)
    for each in (litellm, langfuse, helicone, otel, stored_completions)
}
DAILY = {
    each.NAME: DailyFormat(each.NAME, each.TITLE, each.looks_like, each.PROVIDER, each.bill)
    for each in (openai_export, anthropic_export)
}
PLAIN = plain.NAME
NAMES = ("auto", *TOOLS, *DAILY, PLAIN)


def detect(sample: Sample) -> str:
    """The name of the format that the file looks like most."""
    found = [(each.looks_like(sample), name) for name, each in TOOLS.items()]
    found += [(each.looks_like(sample), name) for name, each in DAILY.items()]
    sure, name = max(found, key=lambda each: each[0])
    return name if sure >= SURE else PLAIN


def title_of(name: str) -> str:
    if name in TOOLS:
        return TOOLS[name].title
    return DAILY[name].title if name in DAILY else "a table of your own"
