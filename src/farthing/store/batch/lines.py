"""The lines of jobs: handed in, taken to be sent, given back, and ended, each once; here is all that can be done with them.

A line that somebody took is theirs until a time that they may put off; after it anybody may take it. Two never hold the
same line. What lines say and are answered is wrapped for the disk; functions that read or write it take the wrapping.
Each function is one transaction, or a part of the caller's.
"""

from farthing.store.batch.adding import add
from farthing.store.batch.beginning import Begun, begin_all
from farthing.store.batch.cells import Waiting
from farthing.store.batch.following import follow, leaders
from farthing.store.batch.holders import free, holders, renew
from farthing.store.batch.reading import forget_texts, get, of_calls, position, results
from farthing.store.batch.settling import Ended, Standing, lock, paid_twice, settle
from farthing.store.batch.taking import give_back, take, waiting

__all__ = (
    "Begun", "Ended", "Standing", "Waiting", "add", "begin_all", "follow", "forget_texts", "free", "get", "give_back", "holders",
    "leaders", "lock", "of_calls", "paid_twice", "position", "renew", "results", "settle", "take", "waiting",
)  # fmt: skip
