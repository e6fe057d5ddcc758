"""The providers of the settings, ready to be sent to: URLs, headers with their keys, clients; and which one a model is at.

The only place that holds providers' keys. Knows nothing of what a call says or costs.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from urllib.parse import quote

from farthing.model.call import Deployment, Header, Headers
from farthing.model.errors import UnknownModel
from farthing.settings import DeploymentSettings, ModelSettings, ProviderSettings
from farthing.upstream.client import Client, Timeouts
from farthing.upstream.hosts import HOSTS, PATHS, Host
from farthing.wire import FORMATS

ANTHROPIC_VERSION = "2023-06-01"
SHORTEST_SECRET = 6
"""Characters; what is shorter is no secret, and may be part of any word."""
MEMO = 10_000
"""How many model names are remembered; callers choose them, so there is a bound."""


class Provider:
    """One provider of the settings."""

    def __init__(self, name: str, settings: ProviderSettings, client: Client) -> None:
        host = HOSTS[settings.kind or name]
        self.name = name
        self.host = host
        self.client = client
        self.formats = tuple(settings.formats) or host.formats
        self.dialect = host.dialect
        self.drain = settings.drain or host.drain
        self.prices = settings.prices or host.prices or name
        self.patterns = tuple(settings.models)
        limits = settings.timeouts
        self.timeouts = Timeouts(limits.connect_s, limits.first_byte_s, limits.idle_s, limits.total_s)
        self.forward = frozenset(header.lower().encode() for header in settings.forward_headers)
        self._base = (settings.base_url or host.base_url).rstrip("/")
        self._api_version = settings.api_version
        self._extra = [(header.lower().encode(), value.reveal().encode()) for header, value in settings.headers.items()]
        self._headers = {format: tuple(self._headers_for(format, host, settings)) for format in self.formats}
        secrets = [settings.api_key, *settings.headers.values()]
        self._secrets = [secret.reveal().encode() for secret in secrets if len(secret.reveal()) >= SHORTEST_SECRET]
        self._urls: dict[tuple[str, str], str] = {}

    def url(self, format: str, model: str) -> str:
        """Where `format` is served for `model`."""
        url = self._urls.get((format, model))
        if url is None:
            url = self._url(format, model)
            if len(self._urls) < MEMO:
                self._urls[format, model] = url
        return url

    def place(self, path: str) -> str:
        """Where the host has something that is no format, such as `/files` or `/batches?limit=20`."""
        if self.host is not HOSTS["azure"]:
            return self._base + path
        resource = self._base.removesuffix("/v1").removesuffix("/openai")
        if self._api_version:
            return f"{resource}/openai{path}{'&' if '?' in path else '?'}api-version={self._api_version}"
        return f"{resource}/openai/v1{path}"

    def headers(self, format: str) -> tuple[Header, ...]:
        """What every request carries, the key included; the same tuple each time, which the client writes out once."""
        return self._headers[format]

    def without_secrets(self, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        """An error of the provider as callers may see it: some quote the key that they refuse."""
        for secret in self._secrets:
            body = body.replace(secret, b"***")
            headers = [(name, value.replace(secret, b"***")) for name, value in headers]
        return headers, body

    def _url(self, format: str, model: str) -> str:
        if self.host is not HOSTS["azure"]:
            return self._base + PATHS[format]
        resource = self._base.removesuffix("/v1").removesuffix("/openai")
        if self._api_version:
            name = quote(model, safe="")  # callers choose it
            return f"{resource}/openai/deployments/{name}{PATHS[format]}?api-version={self._api_version}"
        return f"{resource}/openai/v1{PATHS[format]}"

    def _headers_for(self, format: str, host: Host, settings: ProviderSettings) -> Headers:
        headers: Headers = [(b"content-type", b"application/json"), *self._extra]
        if FORMATS[format].family == "anthropic":
            headers.append((b"anthropic-version", (settings.api_version or ANTHROPIC_VERSION).encode()))
        key = settings.api_key.reveal().encode()
        if key and host.auth == "bearer":
            headers.append((b"authorization", b"Bearer " + key))
        elif key and host.auth != "none":
            headers.append((host.auth.encode(), key))
        return headers


class Providers:
    """All providers, by name, and the deployment of each model."""

    def __init__(self, providers: Mapping[str, Provider], models: Mapping[str, ModelSettings]) -> None:
        self._providers = dict(providers)
        self._models = dict(models)
        self._found: dict[str, tuple[Deployment, ...]] = {}

    def __getitem__(self, name: str) -> Provider:
        return self._providers[name]

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._providers.values())

    @property
    def named_models(self) -> list[str]:
        """The models that settings name."""
        return list(self._models)

    def deployment(self, model: str) -> Deployment:
        """The first place where `model` is served. Raises UnknownModel with what to do."""
        return self.deployments(model)[0]

    def deployments(self, model: str) -> tuple[Deployment, ...]:
        """Every place where `model` is served, in the order of the settings; the same tuple each time. Raises
        UnknownModel with what to do."""
        found = self._found.get(model)
        if found is None:
            found = self._find(model)
            if len(self._found) < MEMO:
                self._found[model] = found
        return found

    def fallbacks(self, model: str) -> tuple[str, ...]:
        """Models that answer in its place when no deployment of it can, in this order."""
        named = self._models.get(model)
        return tuple(named.fallbacks) if named is not None else ()

    def context(self, model: str) -> int:
        """Its context window in tokens, as settings give it; 0 where they do not."""
        named = self._models.get(model)
        return named.context if named is not None else 0

    def _find(self, model: str) -> tuple[Deployment, ...]:
        named = self._models.get(model)
        if named is not None and named.deployments:
            return tuple(self._listed(each, model) for each in named.deployments)
        return (self._only(model, named),)

    def _listed(self, settings: DeploymentSettings, model: str) -> Deployment:
        """One of several: its label says where it is."""
        provider, there = self._providers[settings.provider], settings.model or model
        return Deployment(
            f"{provider.name}/{there}", provider.name, there, provider.prices, settings.price_as,
            weight=settings.weight, reserved=settings.reserved, region=settings.region,
            requests_per_minute=settings.requests_per_minute, tokens_per_minute=settings.tokens_per_minute,
            max_in_flight=settings.max_in_flight, prefill=provider.host.prefill,
        )  # fmt: skip

    def _only(self, model: str, named: ModelSettings | None) -> Deployment:
        if named is not None:
            return self._at(self._providers[named.provider], named.model or model, named.price_as, model)
        prefix, _, rest = model.partition("/")
        if rest and prefix in self._providers:
            return self._at(self._providers[prefix], rest)
        claims = [(provider.patterns, provider) for provider in self]
        habits = [(provider.host.models, provider) for provider in self if not provider.patterns]
        for patterns, provider in claims + habits:
            if any(fnmatchcase(model, pattern) for pattern in patterns):
                return self._at(provider, model)
        only = next(iter(self)) if len(self._providers) == 1 else None
        if only is not None and not only.host.models and not only.patterns:
            return self._at(only, model)
        raise UnknownModel(
            f"No provider is configured for the model {_shown(model)}. Configured: {', '.join(self._providers) or 'none'}. "
            f'Write "PROVIDER/MODEL", or name the model under [models] in farthing.toml.',
            param="model",
        )

    def _at(self, provider: Provider, model: str, price_as: str = "", name: str = "") -> Deployment:
        return Deployment(
            name or f"{provider.name}/{model}",
            provider.name,
            model,
            provider.prices,
            price_as,
            prefill=provider.host.prefill,
        )


def _shown(model: str) -> str:
    """A caller's word in our message: short, and in one line."""
    printable = "".join(char if char.isprintable() else "?" for char in model[:80])
    return f"'{printable}'" + ("..." if len(model) > 80 else "")
