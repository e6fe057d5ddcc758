"""Which models can be had at a provider's cheap tier of ordinary calls, by what its host is and what the rate cards say."""

from collections.abc import Callable

from farthing.model.call import Deployment
from farthing.model.errors import FarthingError
from farthing.prices import PriceBook
from farthing.upstream.hosts import HOSTS
from farthing.upstream.providers import Providers
from farthing.wire.service_tier import WIRES

FLEX = "flex"


def flexes(providers: Providers, book: PriceBook) -> Callable[[Deployment], bool]:
    """Whether a place has the tier, and a price for it."""

    def has(place: Deployment) -> bool:
        provider = providers[place.provider]
        if provider.host is not HOSTS["openai"] or WIRES.isdisjoint(provider.formats):
            return False
        card = book.card(place.prices, place.price_as or place.model)
        return card is not None and any(price.tier == FLEX for each in card.cards for price in each.card.prices)

    return has


def flexes_by_name(providers: Providers, book: PriceBook) -> Callable[[str], bool]:
    """The same by the model that a call asks for, at the first place where that is served."""
    has = flexes(providers, book)

    def known(model: str) -> bool:
        try:
            return has(providers.deployment(model))
        except FarthingError:
            return False

    return known
