"""The providers' part of the composition root: settings -> providers with the clients that reach them."""

import importlib
from contextlib import AsyncExitStack

from farthing.settings import ProviderSettings, Settings
from farthing.upstream.client import Client
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider, Providers


async def open_providers(settings: Settings, stack: AsyncExitStack, client: Client | None = None) -> Providers:
    """Providers that reach their hosts alike share a client; `client` reaches them all instead, and is not closed here. What
    must be closed is left in `stack`."""
    clients: dict[tuple[str, str, str], Client] = {}
    providers = {}
    for name, provider in settings.providers.items():
        if client is not None:
            providers[name] = Provider(name, provider, client)
            continue
        options = (provider.client, str(provider.ca_file), provider.proxy.reveal())
        if options not in clients:
            clients[options] = _client(provider)
            stack.push_async_callback(clients[options].close)
        providers[name] = Provider(name, provider, clients[options])
    return Providers(providers, settings.models)


def _client(provider: ProviderSettings) -> Client:
    if provider.client == "aiohttp":
        library = importlib.import_module("farthing.upstream.aiohttp_client")  # 0.1 s that few need
        client: Client = library.AiohttpClient(ca_file=str(provider.ca_file), proxy=provider.proxy.reveal())
        return client
    return Http1Client(ca_file=str(provider.ca_file))
