"""Where models are served, for commands: as the gateway would find them, without a connection to anyone."""

from collections.abc import Sequence

from farthing.catalog import Catalog
from farthing.model.call import Deployment, Header
from farthing.model.errors import UpstreamUnreachable
from farthing.prices import PriceBook
from farthing.settings import Settings
from farthing.upstream.client import Response, Timeouts
from farthing.upstream.providers import Provider, Providers


class NoClient:
    """Sends nothing."""

    async def send(self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts) -> Response:
        raise UpstreamUnreachable("this command connects to nobody")

    async def close(self) -> None:
        return None


def catalog_of(settings: Settings, book: PriceBook) -> Catalog:
    """The catalog that a gateway with these settings would have."""
    client = NoClient()
    providers = {name: Provider(name, provider, client) for name, provider in settings.providers.items()}
    known = Providers(providers, settings.models)

    def served(model: str) -> Sequence[Deployment]:
        own = settings.models.get(model)
        if own is None or not own.deployments:
            return (known.deployment(model),)
        return [
            Deployment(
                model,
                each.provider,
                each.model or model,
                providers[each.provider].prices,
                each.price_as,
                region=each.region,
            )
            for each in own.deployments
        ]

    return Catalog(book, settings, served, {name: provider.prices for name, provider in providers.items()})
