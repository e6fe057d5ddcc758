"""The gateway that a replay asks: the user's settings, or some that serve what the log names, without all that would ask
models of its own accord, refuse, or tell people."""

from collections.abc import Iterable

import msgspec

from farthing.model.past import PastCall
from farthing.settings import AlertSettings, ModelSettings, ProviderSettings, Settings, StoreSettings, Url
from farthing.settings.batch import BatchSettings
from farthing.settings.values import Secret
from farthing.upstream.hosts import HOSTS

PLACE = Url("http://127.0.0.1:1/v1")
"""Where nobody listens: recorded providers are in this process."""
REPLAYED = ("openai.chat", "anthropic.messages")
"""The wires whose calls can be asked again."""


def can_ask(past: PastCall) -> bool:
    """Whether the log tells enough of a call to ask it again."""
    return (
        bool(past.prompt) and past.usage is not None and past.wire in REPLAYED and not past.cached and not past.attempt_of
        and past.outcome == "ok" and past.status < 400
    )  # fmt: skip


def settings_for(calls: Iterable[PastCall], own: Settings | None, *, budgets: bool = False) -> Settings:
    """`own` are the user's; without them each provider and model that the log names is served. `budgets`: theirs hold. The store
    is yet to be said."""
    base = served(calls, own)
    providers = {
        name: msgspec.structs.replace(each, base_url=PLACE, api_key=Secret("recorded"), proxy=Secret(), client="http1")
        for name, each in base.providers.items()
    }  # fmt: skip
    routing = msgspec.structs.replace(
        base.routing, shadow_percent=0.0, watch_percent=0.0, hold_out_percent=0.0, judge=""
    )  # fmt: skip
    return msgspec.structs.replace(
        base, providers=providers, routing=routing, budgets=base.budgets if budgets else {}, alerts=AlertSettings(on=False), store=StoreSettings(),
        prices=msgspec.structs.replace(base.prices, allow_unpriced=True), batch=BatchSettings(worker=False),
    )  # fmt: skip


def served(calls: Iterable[PastCall], own: Settings | None) -> Settings:
    """The user's settings, or some that serve each provider and model that the log names."""
    return own if own is not None and own.providers else _serving(calls)


def _serving(calls: Iterable[PastCall]) -> Settings:
    providers: dict[str, ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    for past in calls:
        model = past.asked or past.model
        name = _host_of(past)
        if name not in providers:
            providers[name] = ProviderSettings(base_url=PLACE, api_key=Secret("recorded"))
        if model and model not in models:
            models[model] = ModelSettings(provider=name)
    return Settings(providers=providers, models=models)


def _host_of(past: PastCall) -> str:
    """The known host that a price list belongs to; by the wire where the log does not say."""
    found = next((name for name, host in HOSTS.items() if past.provider and past.provider in (name, host.prices)), "")
    return found or ("anthropic" if past.wire == "anthropic.messages" else "openai")
