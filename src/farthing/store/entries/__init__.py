"""The cache's store: answers with their questions, in a file beside the ledger's or in tables of their own.

`open_entries` gives the async `Entries`. What is in it is disposable: damaged, of another version, or gone, it begins anew
with one warning, and calls go on as misses.
"""

from farthing.store.entries.entries import Entries, open_entries
from farthing.store.entries.values import (
    HITS,
    PROBES,
    Changes,
    Entry,
    Link,
    Position,
    ProbeCount,
    ScopeStats,
    Stats,
    Tally,
    Vector,
    Verdict,
    Which,
    Worth,
    new_entry_id,
    new_link_id,
)
from farthing.store.entries.worth import Budget, Budgets
from farthing.store.sealing import Wrapping, wrapping

__all__ = [
    "HITS",
    "PROBES",
    "Budget",
    "Budgets",
    "Changes",
    "Entries",
    "Entry",
    "Link",
    "Position",
    "ProbeCount",
    "ScopeStats",
    "Stats",
    "Tally",
    "Vector",
    "Verdict",
    "Which",
    "Worth",
    "Wrapping",
    "new_entry_id",
    "new_link_id",
    "open_entries",
    "wrapping",
]
