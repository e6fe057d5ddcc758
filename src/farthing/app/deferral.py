"""Settings -> calls that can wait: what they ask for, who takes them over, where their answers are posted. Nothing is decided
here."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

from starlette.routing import Route

from farthing.app.around import REAL, Around
from farthing.batch.alike import Alike
from farthing.batch.deferred import Deferred
from farthing.batch.entrance import Entrance
from farthing.batch.news import News
from farthing.batch.webhooks import Webhooks
from farthing.gateway import jobs
from farthing.gateway.guard import Guard
from farthing.model.call import Call
from farthing.settings import Settings
from farthing.steps.defer.asked import Wishes
from farthing.steps.defer.handing import Handing
from farthing.store import Store
from farthing.store.sealing import Wrapping
from farthing.upstream.http1 import Http1Client
from farthing.upstream.targets import Targets


class Deferral(NamedTuple):
    """What the step and the pages need."""

    wishes: Wishes
    handing: Handing
    deferred: Deferred
    routes: Callable[[Guard], list[Route]]


def build_deferral(
    settings: Settings, store: Store, news: News, holder: str, wake: Callable[[], None], wrapping: Wrapping,
    flexes: Callable[[str], bool], stack: AsyncExitStack, around: Around = REAL,
) -> Deferral:  # fmt: skip
    """`holder`: this gateway's name in the store; `wake`: its worker has something new to do; `flexes`: whether a model's
    provider knows the service tier flex."""
    rules, clock = settings.batch, around.clock
    targets = Targets(rules.webhooks)
    features = {name: each.deadline_s for name, each in rules.features.items()}
    wishes = Wishes(
        hold_s=rules.hold_s, deadline_s=rules.deadline_s, features=features, allows=targets.allows, flexes=flexes
    )
    alike = Alike(settings.cache)

    def digest(call: Call, body: bytes) -> bytes:
        return alike.digest(call.wire, body, call.ask, call.headers, call.key, call.principal.tenant)

    posts = _webhooks(settings, store, holder, targets, wrapping, stack, around)
    entrance = Entrance(store, wake, wrapping)
    deferred = Deferred(
        store, entrance, news, holder, rules, around.new_id, digest=digest,
        posts=posts.ring if posts is not None else lambda: None, wrapping=wrapping, clock=clock,
    )  # fmt: skip
    stack.push_async_callback(entrance.close)
    stack.push_async_callback(deferred.close)
    handing = Handing(deferred, rules.hold_s, flexes=flexes, now_us=clock.now_us)

    def routes(guard: Guard) -> list[Route]:
        return jobs.routes(store, deferred, news, guard, hold_s=rules.hold_s, wake=wake, clock=clock)

    return Deferral(wishes, handing, deferred, routes)


def _webhooks(
    settings: Settings, store: Store, holder: str, targets: Targets, wrapping: Wrapping, stack: AsyncExitStack, around: Around
) -> Webhooks | None:  # fmt: skip
    """None where settings allow no address."""
    if not settings.batch.webhooks:
        return None
    client = Http1Client(may_reach=targets.may_reach)
    stack.push_async_callback(client.close)
    secret = settings.batch.webhook_secret.reveal()
    webhooks = Webhooks(store, client, holder, secret, targets.allows, wrapping=wrapping, clock=around.clock)
    if not around.driven:
        webhooks.start()
    stack.push_async_callback(webhooks.close)
    return webhooks
