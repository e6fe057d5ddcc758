"""The store: all SQL of Farthing, for SQLite and PostgreSQL.

`open_store` gives the async `Store` for keys, reports and single calls; `Ledger` writes calls in batches from a thread of
its own; `Journal` knows the calls under way after a `kill -9`, and `recover` takes them over at the next start.
"""

from farthing.store.arms import ArmSums, Scored
from farthing.store.engine import engine_for
from farthing.store.errors import NewerSchema, RowRefused, StoreError
from farthing.store.evidence import Evidence, Observation, Sample, Sums
from farthing.store.journal import Journal
from farthing.store.keys import KeyRing, hash_of, new_id, new_secret
from farthing.store.ledger import Ledger
from farthing.store.reading import CallRow, LeverRow, ReportRow
from farthing.store.recovery import Recovered, recover
from farthing.store.routes import Change, Routes, Version
from farthing.store.store import Store, open_store

__all__ = [
    "ArmSums",
    "CallRow",
    "Change",
    "Evidence",
    "Journal",
    "KeyRing",
    "Ledger",
    "LeverRow",
    "NewerSchema",
    "Observation",
    "Recovered",
    "ReportRow",
    "Routes",
    "RowRefused",
    "Sample",
    "Scored",
    "Store",
    "StoreError",
    "Sums",
    "Version",
    "engine_for",
    "hash_of",
    "new_id",
    "new_secret",
    "open_store",
    "recover",
]
