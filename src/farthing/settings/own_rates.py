"""What a call at an own deployment costs: its share of what the GPUs do in a paid hour, written as a contract.

    a token out = GPUs x dollars an hour / (tokens a second x 3600);  a token in: `input_weight` of that

So the busy part of the bill is in the calls, exactly and at once, and what is idle is in none: it is the fleet's, and
shown apart. Source of the rule: a rented GPU bills at 100 % whether it works or not.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from farthing.settings.selfhost import OwnDeploymentSettings
from farthing.settings.tree import ContractSettings, Settings
from farthing.settings.values import Amount

PLACES = Decimal("0.000001")
"""Of dollars a million: whole pico-dollars a token."""


def with_own_rates(settings: Settings) -> Settings:
    """The settings with a contract for each own deployment that prices its calls. Contracts that are written come first."""
    own = [
        _contract(settings, name, each)
        for name, each in settings.selfhost.deployments.items()
        if each.price_calls and place_of(settings, name)
    ]
    if not own:
        return settings
    prices = msgspec.structs.replace(settings.prices, contracts=[*settings.prices.contracts, *own])
    return msgspec.structs.replace(settings, prices=prices)


def place_of(settings: Settings, label: str) -> tuple[str, str] | None:
    """Provider and model of a label of the ledger: PROVIDER/MODEL, or a name below [models] that has one provider."""
    named = settings.models.get(label)
    if named is not None and named.provider:
        return named.provider, named.model or label
    provider, slash, model = label.partition("/")
    return (provider, model) if slash and model else None


def dollars_a_million(own: OwnDeploymentSettings) -> Decimal:
    """Dollars a million output tokens while the GPUs are busy."""
    an_hour = Decimal(own.gpus) * Decimal(own.dollars_per_gpu_hour or "0")
    return (an_hour * 1_000_000 / (Decimal(str(own.tokens_per_second)) * 3600)).quantize(PLACES, ROUND_HALF_EVEN)


def _contract(settings: Settings, name: str, own: OwnDeploymentSettings) -> ContractSettings:
    provider, model = place_of(settings, name) or ("", "")
    known = settings.providers.get(provider)
    out = dollars_a_million(own)

    def weighted(weight: float) -> Amount:
        return Amount((out * Decimal(str(weight))).quantize(PLACES, ROUND_HALF_EVEN))

    return ContractSettings(
        provider=known.prices if known is not None and known.prices else provider,
        models=[model],
        rates={"input": weighted(own.input_weight), "cache_read": weighted(own.cached_weight), "output": Amount(out)},
        valid_from=own.valid_from,
        valid_to=own.valid_to,
    )
