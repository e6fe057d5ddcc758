"""The walks' part of the composition root: the steps of all calls, joined anew for lines of jobs. Nothing is decided here."""

from collections.abc import Callable
from functools import cache

from farthing.app.around import REAL, Around
from farthing.batch.holding import Holding
from farthing.batch.parking import Park
from farthing.batch.walks import Walks, Ways
from farthing.model.principal import Key
from farthing.prices import PriceBook
from farthing.settings import Settings
from farthing.steps.budget.step import Budget
from farthing.store import KeyRing, Store
from farthing.upstream.batches import batch_api
from farthing.upstream.providers import Providers
from farthing.upstream.relay import Relay


class KnownKeys:
    """Keys by their id: those in memory, and in the store those that were revoked."""

    def __init__(self, ring: KeyRing, store: Store) -> None:
        self.named = ring.named
        self._store = store

    async def read(self, key_id: str) -> Key | None:
        """Raises StoreError."""
        return await self._store.key(key_id)


def has_batches(providers: Providers) -> Callable[[str], bool]:
    """Whether a provider of that name has a batch API."""

    @cache
    def has(name: str) -> bool:
        return batch_api(providers[name]) is not None

    return has


def build_walks(
    settings: Settings, store: Store, keys: KeyRing, providers: Providers, book: PriceBook, budget: Budget, relay: Relay,
    ways: Ways, around: Around = REAL,
) -> Walks:  # fmt: skip
    """`ways`: the steps that calls of clients walk, all of them the same objects."""
    clock = around.clock
    holding = Holding(store, budget, clock=clock.monotonic, now_us=clock.now_us)
    park = Park(
        providers, relay, holding, book, has_batches(providers), allow_unpriced=settings.prices.allow_unpriced,
        now_us=clock.now_us,
    )  # fmt: skip
    return Walks(KnownKeys(keys, store), ways, park, relay, book, around.new_id, clock=clock)
