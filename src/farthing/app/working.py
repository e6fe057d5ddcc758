"""The worker's parts, made from settings when there is work for the first time. Nothing is decided here."""

import random
from collections.abc import Callable, Sequence

from farthing.app.batch import Known, Queue
from farthing.app.flex import flexes
from farthing.batch.alike import Alike
from farthing.batch.dealing import Dealer
from farthing.batch.fetching import Fetcher
from farthing.batch.flexing import Waiting
from farthing.batch.hours import Hours, hours
from farthing.batch.intake import Bounds, Intake
from farthing.batch.pacing import Occupied
from farthing.batch.promoting import TWICE, Promoter
from farthing.batch.running import Runner
from farthing.batch.sending import Pooled, Sender
from farthing.batch.settling import Settler
from farthing.batch.spending import Spending
from farthing.batch.upkeep import Upkeep
from farthing.batch.walks import Walks
from farthing.batch.watching import Watcher
from farthing.batch.ways import OWN, Atlas
from farthing.batch.worker import Part
from farthing.catalog.costs import TYPICAL_IN
from farthing.model.clock import Clock
from farthing.model.errors import FarthingError
from farthing.model.money import Nano, nano_from_dollars
from farthing.model.routes import ANY
from farthing.store.batch import known as shards_known
from farthing.upstream.batches import BatchApi, batch_api


def make_parts(
    queue: Queue, known: Known, walks: Walks, dice: Callable[[], float] = random.random
) -> Sequence[Part]:  # fmt: skip
    """In the order in which they are closed: first what sends, last what says that this gateway lives."""
    desk, rules = queue.desk, known.settings.batch
    clock = desk.clock
    apis = _Apis(known, clock)
    calendar = {name: hours(text, rules.zone) for name, text in rules.hours.items()}
    atlas = _atlas(known, apis, calendar, clock.now_us)
    settler = Settler(desk)
    spending = Spending(
        nano_from_dollars(rules.dollars_a_day), rules.zone,
        lambda since_us: desk.store.do(lambda connection: shards_known.spent(connection, since_us)), clock.now_us,
    )  # fmt: skip
    runner = Runner(desk, walks, settler, lambda model: _place(known, model), spending, at_once=rules.at_once)

    def alone(pooled: Sequence[Pooled]) -> None:
        runner.hand_in([Waiting(each.line, each.job, "now", TWICE * each.parked.worst) for each in pooled])

    def refused(provider: str) -> None:
        atlas.take_out(provider, clock.monotonic())

    sender = Sender(
        desk, settler, apis, alone, refused, spending, linger_s=rules.linger_s, a_second=lambda: runner.a_second
    )
    late = rules.late_percent / 100
    promoter = Promoter(desk, atlas, runner, apis, late=late, look_s=rules.look_s)
    dealer = Dealer(
        desk, walks, settler, atlas, sender, runner, apis, promoter.ahead_s, late=late, linger_s=rules.linger_s, counts=spending.capped
    )  # fmt: skip
    watcher = Watcher(
        desk,
        apis,
        Fetcher(desk, walks, settler),
        refused,
        look_s=rules.look_s,
        dice=dice,
        leaving=lambda: sender.shards,
    )
    bounds = Bounds(rules.max_requests, known.settings.server.max_body_mb * 2**20)
    intake = Intake(
        desk.store, desk.wrapping, Alike(known.settings.cache), bounds, desk.holder, queue.wake, clock
    )  # fmt: skip
    upkeep = Upkeep(
        desk, known.journal.folder, lambda: sender.in_hand() | runner.in_hand() | dealer.in_hand(),
        lambda: sender.shards | watcher.shards,
    )  # fmt: skip
    return [spending, intake, dealer, sender, runner, watcher, promoter, settler, upkeep]


class _Apis:
    """The batch API of each provider, one for as long as the gateway runs; None where it has none, or is no more."""

    def __init__(self, known: Known, clock: Clock) -> None:
        self._known = known
        self._clock = clock
        self._made: dict[str, BatchApi | None] = {}

    def __call__(self, name: str) -> BatchApi | None:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> BatchApi | None:
        try:
            provider = self._known.providers[name]
        except KeyError:
            return None
        return batch_api(provider, self._clock, lag_s=self._known.settings.batch.lag_s)


def _atlas(known: Known, apis: _Apis, calendar: dict[str, Hours], now_us: Callable[[], int]) -> Atlas:
    costs, providers, book = known.models.costs, known.providers, known.book

    def expected(model: str, tier: str) -> Nano | None:
        return costs.expected(model, TYPICAL_IN, 0, ANY, (ANY,), tier=tier, at_us=now_us())

    return Atlas(providers, apis, expected, flexes(providers, book), known.settings.batch.ways, calendar)


def _place(known: Known, model: str) -> tuple[str, Occupied, bool] | None:
    """Where a model is served first: its name, how it is occupied, whether it is our own."""
    try:
        place = known.health.places(model)[0]
    except FarthingError:
        return None
    return place.name, place.state, known.providers[place.deployment.provider].dialect in OWN
