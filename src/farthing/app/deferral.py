"""Settings -> calls that can wait: what they ask for, who takes them over, where their answers are posted. Nothing is decided
here."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

from starlette.routing import Route

from farthing.app.around import REAL, Around
from farthing.app.batch import Queue
from farthing.batch.alike import Alike
from farthing.batch.deferred import Deferred
from farthing.batch.desk import Desk
from farthing.batch.entrance import Entrance
from farthing.batch.webhooks import Webhooks
from farthing.gateway import jobs
from farthing.gateway.guard import Guard
from farthing.model.call import Call
from farthing.prices import PriceBook
from farthing.settings import Settings
from farthing.steps.defer.asked import Wishes
from farthing.steps.defer.handing import Handing
from farthing.steps.defer.step import Defer
from farthing.upstream.http1 import Http1Client
from farthing.upstream.targets import Targets


class Deferral(NamedTuple):
    """What the step and the pages need."""

    wishes: Wishes
    handing: Handing
    deferred: Deferred
    routes: Callable[[Guard], list[Route]]

    def step(self, book: PriceBook, has_batches: Callable[[str], bool]) -> Defer:
        """`has_batches`: whether a provider knows batches."""
        handing = self.handing
        return Defer(self.wishes.of, handing, book, has_batches, handing.treated, handing.at_known_tier)


def build_deferral(
    settings: Settings, queue: Queue, flexes: Callable[[str], bool], stack: AsyncExitStack, around: Around = REAL
) -> Deferral:  # fmt: skip
    """`flexes`: whether a model's provider knows the service tier flex."""
    rules, desk, clock = settings.batch, queue.desk, around.clock
    targets = Targets(rules.webhooks)
    features = {name: each.deadline_s for name, each in rules.features.items()}
    wishes = Wishes(
        hold_s=rules.hold_s, deadline_s=rules.deadline_s, features=features, allows=targets.allows, flexes=flexes
    )  # fmt: skip
    alike = Alike(settings.cache)

    def digest(call: Call, body: bytes) -> bytes:
        return alike.digest(call.wire, body, call.ask, call.headers, call.key, call.principal.tenant)

    posts = _webhooks(settings, desk, targets, stack, around)
    entrance = Entrance(desk.store, queue.wake, desk.wrapping)
    deferred = Deferred(
        desk.store, entrance, desk.news, desk.holder, rules, around.new_id, digest=digest,
        posts=posts.ring if posts is not None else lambda: None, wrapping=desk.wrapping, clock=clock,
    )  # fmt: skip
    stack.push_async_callback(entrance.close)
    stack.push_async_callback(deferred.close)
    handing = Handing(deferred, rules.hold_s, flexes=flexes, now_us=clock.now_us)

    def routes(guard: Guard) -> list[Route]:
        return jobs.routes(
            desk.store, deferred, desk.news, guard, hold_s=rules.hold_s, wake=queue.wake, clock=clock
        )  # fmt: skip

    return Deferral(wishes, handing, deferred, routes)


def _webhooks(
    settings: Settings, desk: Desk, targets: Targets, stack: AsyncExitStack, around: Around
) -> Webhooks | None:  # fmt: skip
    """None where settings allow no address."""
    if not settings.batch.webhooks:
        return None
    client = Http1Client(may_reach=targets.may_reach)
    stack.push_async_callback(client.close)
    secret = settings.batch.webhook_secret.reveal()
    webhooks = Webhooks(
        desk.store, client, desk.holder, secret, targets.allows, wrapping=desk.wrapping, clock=around.clock
    )  # fmt: skip
    if not around.driven:
        webhooks.start()
    stack.push_async_callback(webhooks.close)
    return webhooks
