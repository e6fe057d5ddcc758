"""Which batches this process has created, and since when it has been looking for one that it may have created.

A provider's list lags, and a request that was sent just before a crash may still be under way: that a batch is not on the
list means something only some time later. Kept in memory: a process that was started anew begins to wait anew.
"""

from collections import OrderedDict
from collections.abc import Callable

from farthing.upstream.batches.api import Created, Maybe

LAG_S = 120.0
"""Seconds from the first look until a batch that is not on the list is taken as never created."""
_MOST = 10_000


class Lookout:
    """Of one account. `now` gives seconds that never go back."""

    def __init__(self, now: Callable[[], float], lag_s: float) -> None:
        self._now = now
        self._lag_s = lag_s
        self._made: OrderedDict[str, Created] = OrderedDict()
        self._since: OrderedDict[str, float] = OrderedDict()

    def made(self, shard_id: str) -> Created | None:
        """What this process knows to have created, or found, for it."""
        return self._made.get(shard_id)

    def note(self, shard_id: str, created: Created) -> Created:
        """It is there."""
        self._made[shard_id] = created
        self._since.pop(shard_id, None)
        if len(self._made) > _MOST:
            self._made.popitem(last=False)
        return created

    def begin(self, shard_id: str) -> None:
        """It is about to be created: looks from before do not count."""
        self._since.pop(shard_id, None)

    def others(self, shard_id: str) -> set[str]:
        """Remote ids of other shards."""
        return {created.remote_id for name, created in self._made.items() if name != shard_id}

    def missing(self, shard_id: str) -> Maybe | None:
        """It is not on the list now. None: there is none."""
        since = self._since.setdefault(shard_id, self._now())
        if len(self._since) > _MOST:
            self._since.popitem(last=False)
        left = since + self._lag_s - self._now()
        if left > 0:
            return Maybe(max(0.05, min(left, self._lag_s / 4)), "It is not on the provider's list yet, which lags.")
        return None
