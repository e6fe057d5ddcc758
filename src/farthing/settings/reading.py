"""From a parsed TOML text to the tree, with every mistake noted on the way. Knows nothing of where the text came from."""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from farthing.settings.alerts import ALERT_RULES, AlertSettings
from farthing.settings.dashboard import OidcSettings
from farthing.settings.errors import Problem
from farthing.settings.toml_lines import KeyPath, dotted
from farthing.settings.tree import (
    SECTIONS,
    ModelSettings,
    ProviderSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    bare,
    describe,
    describe_field,
)
from farthing.settings.values import Amount, FilePath, Secret, StoreUrl, Url, is_loopback, shown_url, split_url

DIGITS = 24
"""An amount with more of them before or after the point is a slip."""

StructT = TypeVar("StructT", bound=msgspec.Struct)


class Reader:
    """Turns tables into structs, noting every problem on the way."""

    def __init__(
        self, lines: dict[KeyPath, int], environ: Mapping[str, str], folder: Path | None, kinds: Mapping[str, str] | None
    ) -> None:  # fmt: skip
        self.problems: list[Problem] = []
        self._lines = lines
        self._environ = environ
        self._folder = folder
        self._kinds = kinds

    def note(self, path: KeyPath, problem: str, cure: str = "") -> None:
        self.problems.append(Problem(self._line(path), dotted(path), problem, cure))

    def _line(self, path: KeyPath) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def table(self, kind: type[StructT], raw: Any, path: KeyPath) -> StructT | None:
        """A struct of a table, None after a problem. An amount that is nothing by default may be said to be nothing."""
        if not isinstance(raw, dict):
            self.note(path, f"must be a table, not {_called(raw)}", f"Write [{dotted(path)}] and its keys below.")
            return None
        hints = get_type_hints(kind, include_extras=True)
        before = len(self.problems)
        for key in raw:
            if key not in hints:
                self.note((*path, key), "there is no such setting", _did_you_mean(key, hints))
        fields = msgspec.structs.fields(kind)
        empty = {field.name for field in fields if field.default == Amount() and raw.get(field.name) == ""}
        values = {
            key: self._value(hints[key], value, (*path, key))
            for key, value in raw.items()
            if key in hints and key not in empty
        }
        for field in fields:
            if field.required and field.name not in raw:
                self.note(path, f"{field.name} is missing", f"{field.name}: {describe(hints[field.name])}")
        return kind(**values) if len(self.problems) == before else None

    def _value(self, hint: Any, raw: Any, path: KeyPath) -> Any:
        kind = bare(hint)
        inner = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.table(kind, raw, path)
        if get_origin(kind) is dict and isinstance(raw, dict):
            return {key: self._value(inner[1], value, (*path, key)) for key, value in raw.items()}
        if get_origin(kind) is list and isinstance(raw, list):
            return [self._value(inner[0], value, (*path, number)) for number, value in enumerate(raw)]
        if kind is Amount and type(raw) in (int, Decimal):
            raw = _written_out(raw)
        if kind in self._readers:
            if isinstance(raw, str):
                return self._readers[kind](raw, path)
            self.note(path, f"must be text in quotes, not {_called(raw)}", describe(hint))
            return None
        return self._plain(hint, raw, path)

    def _plain(self, hint: Any, raw: Any, path: KeyPath) -> Any:
        try:
            return msgspec.convert(float(raw) if isinstance(raw, Decimal) else raw, hint)
        except msgspec.ValidationError as error:
            self.note(path, _in_plain_words(str(error), raw), describe(hint))
            return None

    def _amount(self, raw: str, path: KeyPath) -> Amount:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", raw):
            self.note(path, f"{raw!r} is not an amount", "Write a plain number, such as 2.50.")
        return Amount(raw)

    def _secret(self, raw: str, path: KeyPath) -> Secret:
        return Secret(self._resolved(raw, path))

    def _resolved(self, raw: str, path: KeyPath) -> str:
        """The value that `raw` points to: `env:NAME`, `file:PATH`, or itself."""
        value = raw
        if raw.startswith("env:"):
            name = raw.removeprefix("env:")
            value = self._environ.get(name, "").strip()
            if not value:
                self.note(path, f"the environment has no {name}", f"export {name}=..., or name another source here.")
        elif raw.startswith("file:"):
            value = self._text_of(raw.removeprefix("file:"), path)
        if not value.isprintable():
            self.note(path, "its value has line breaks or control characters", "Check where the value comes from.")
        return value

    def _text_of(self, name: str, path: KeyPath) -> str:
        try:
            return Path(self._absolute(name)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.note(path, f"{name} cannot be read: {reason(error)}", "A path is relative to the settings file.")
            return ""

    def _file_path(self, raw: str, path: KeyPath) -> FilePath:
        found = self._absolute(raw)
        if raw and not Path(found).is_file():
            self.note(path, f"there is no file {raw}", "A path is relative to the settings file.")
        return FilePath(found)

    def _absolute(self, name: str) -> str:
        return name if self._folder is None or not name else str(self._folder.absolute() / name)

    def _url(self, raw: str, path: KeyPath) -> Url:
        url = self._resolved(raw, path)
        if url:
            self._check_url(url, path)
        return Url(url.rstrip("/"))

    def _check_url(self, raw: str, path: KeyPath) -> None:
        where = split_url(raw)
        if where is None or where.scheme not in ("http", "https") or not where.hostname:
            self.note(path, f"{shown_url(raw)!r} is not an http or https address", "Write https://host/path.")
        elif where.username is not None or where.query:
            self.note(path, "an address holds no credentials", "Put the key into `api_key` or `headers`.")
        elif where.fragment or " " in raw:
            self.note(path, "has characters that no address has", "Write https://host/path.")

    def _store_url(self, raw: str, path: KeyPath) -> StoreUrl:
        """A store's address; a relative file of SQLite is made absolute, so that every command finds the same one."""
        url = self._resolved(raw, path)
        if url.startswith("sqlite:///"):
            name = url.removeprefix("sqlite:///")
            return StoreUrl(f"sqlite:///{self._absolute(name)}")
        if url and not url.startswith(("postgresql://", "postgres://")):
            cure = "Write sqlite:///file.db, sqlite:////absolute/file.db or postgresql://user@host/database."
            self.note(path, f"{shown_url(url)!r} is no store", cure)
        return StoreUrl(url)

    @property
    def _readers(self) -> dict[type, Callable[[str, KeyPath], Any]]:
        return {
            Secret: self._secret,
            StoreUrl: self._store_url,
            Amount: self._amount,
            Url: self._url,
            FilePath: self._file_path,
        }

    def with_defaults(self, settings: Settings, *, with_providers: bool) -> Settings:
        """What the file left out and the environment or its folder tells."""
        store, providers = settings.store, settings.providers
        if with_providers and not providers:
            providers = self._providers_of_environment()
        if store == StoreSettings(queue=store.queue, when_unavailable=store.when_unavailable):
            store = msgspec.structs.replace(store, url=self._store_url(store.url.reveal(), ("store", "url")))
        return msgspec.structs.replace(settings, store=store, providers=providers)

    def _providers_of_environment(self) -> dict[str, ProviderSettings]:
        """What the official SDKs would read: keys and base URLs."""
        found = {}
        for name in ("openai", "anthropic"):
            variable = name.upper()
            key = self._environ.get(f"{variable}_API_KEY", "").strip()
            if key:
                found[name] = ProviderSettings(api_key=Secret(key), base_url=self._sdk_url(f"{variable}_BASE_URL"))
        if not found:
            cure = "Set OPENAI_API_KEY or ANTHROPIC_API_KEY in the environment, or write farthing.toml with `farthing init`."
            self.note((), "no provider is configured", cure)
        return found

    def _sdk_url(self, variable: str) -> Url:
        """The address that an SDK reads. Anthropic's leaves the version out, OpenAI's has it where there is one."""
        url = self._url(self._environ.get(variable, "").strip(), (variable,))
        where = split_url(url)
        bare_host = where is not None and where.path == ""
        if url and (bare_host or (variable.startswith("ANTHROPIC") and not url.endswith("/v1"))):
            return Url(f"{url}/v1")
        return url

    def check(self, settings: Settings) -> None:
        """What no single value shows."""
        server = settings.server
        if bool(server.tls_cert) != bool(server.tls_key):
            self.note(("server",), "HTTPS needs both tls_cert and tls_key", "Set both, or neither.")
        if not settings.store.url:
            self.note(("store", "url"), "must not be empty", describe_field(StoreSettings, "url"))
        for name, provider in settings.providers.items():
            self._check_provider(name, provider, server)
        for name, model in settings.models.items():
            self._check_model(name, model, settings.providers)
        self._check_alerts(settings.alerts)
        if settings.dashboard.oidc.issuer:
            self._check_oidc(settings.dashboard.oidc)

    def _check_oidc(self, oidc: OidcSettings) -> None:
        path: KeyPath = ("dashboard", "oidc")
        if not oidc.client_id:
            self.note((*path, "client_id"), "is missing", "The provider gives one when you register Farthing there.")
        if not oidc.roles and oidc.other_role == "none":
            self.note(path, "nobody is let in", 'Add roles = { "some-group" = "viewer" }, or other_role = "own".')
        if oidc.tenant_claim and not oidc.tenants:
            self.note((*path, "tenants"), "is missing", f"Say which {oidc.tenant_claim} is which tenant.")
        if "openid" not in oidc.scopes:
            self.note((*path, "scopes"), "lacks openid", 'Write scopes = ["openid", "email", "profile"].')

    def _check_alerts(self, alerts: AlertSettings) -> None:
        self._check_digest(alerts)
        for name, channel in alerts.channels.items():
            if channel.kind != "log" and not channel.url:
                self.note(
                    ("alerts", "channels", name, "url"),
                    "is missing",
                    "Say where its messages go: env:NAME keeps it secret.",
                )
            if channel.kind in ("webhook", "slack") and channel.url:
                self._check_alert_url(channel.url.reveal(), ("alerts", "channels", name, "url"))
            for rule in channel.rules:
                self._check_rule(rule, ("alerts", "channels", name, "rules"))
        for name, rule_settings in alerts.rules.items():
            path: KeyPath = ("alerts", "rules", name)
            self._check_rule(name, path)
            default = ALERT_RULES.get(name)
            for threshold in ("times", "percent", "dollars") if default is not None else ():
                if getattr(rule_settings, threshold) and getattr(default, threshold) is None:
                    self.note((*path, threshold), f"the rule {name} has no such threshold")
            for channel_name in rule_settings.channels:
                if channel_name not in alerts.channels:
                    cure = _did_you_mean(channel_name, alerts.channels) or "Add it below `alerts.channels`."
                    self.note((*path, "channels"), f"there is no channel {channel_name!r}", cure)

    def _check_digest(self, alerts: AlertSettings) -> None:
        path: KeyPath = ("alerts", "digest")
        try:
            ZoneInfo(alerts.digest.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.note((*path, "zone"), f"{alerts.digest.zone!r} is no time zone", 'Write zone = "Europe/Berlin".')
        for name in alerts.digest.channels:
            if name not in alerts.channels:
                cure = _did_you_mean(name, alerts.channels) or "Add it below `alerts.channels`."
                self.note((*path, "channels"), f"there is no channel {name!r}", cure)

    def _check_alert_url(self, url: str, path: KeyPath) -> None:
        where = split_url(url)
        if where is None or where.scheme not in ("http", "https") or not where.hostname or where.username is not None:
            self.note(path, "is not an http or https address", "Write https://host/path, or env:NAME.")

    def _check_rule(self, name: str, path: KeyPath) -> None:
        if name not in ALERT_RULES:
            self.note(path, f"there is no rule {name!r}", _did_you_mean(name, ALERT_RULES))

    def _check_model(self, name: str, model: ModelSettings, providers: dict[str, ProviderSettings]) -> None:
        path: KeyPath = ("models", name)
        if model.provider and model.deployments:
            self.note((*path, "provider"), "a model has either a provider or deployments", "Move it below deployments.")
        elif not model.provider and not model.deployments:
            self.note(path, "it is not said where the model is served", 'Add provider = "NAME".')
        for named in [model.provider, *(deployment.provider for deployment in model.deployments)]:
            if named and named not in providers:
                cure = _did_you_mean(named, providers) or "Add it below `providers`."
                self.note((*path, "provider"), f"there is no provider {named!r}", cure)

    def _check_provider(self, name: str, provider: ProviderSettings, server: ServerSettings) -> None:
        path: KeyPath = ("providers", name)
        if self._kinds is not None:
            self._check_kind(path, provider.kind or name, provider, self._kinds)
        if _is_self(provider.base_url, server):
            cure = (
                "Give the provider's own address; unset OPENAI_BASE_URL and ANTHROPIC_BASE_URL where Farthing starts."
            )
            self.note((*path, "base_url"), f"{provider.base_url} is this gateway itself", cure)
        if provider.proxy and provider.client != "aiohttp":
            self.note((*path, "proxy"), "the client http1 knows no proxies", 'Add client = "aiohttp".')
        for header in provider.headers:
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", header):
                self.note((*path, "headers", header), "is no name of a header", "Use letters, digits and dashes.")

    def _check_kind(self, path: KeyPath, kind: str, provider: ProviderSettings, kinds: Mapping[str, str]) -> None:
        if kind not in kinds:
            near = get_close_matches(kind, kinds, 1)
            cure = f'Write kind = "{near[0] if near else "openai_compatible"}" with its base_url, or one of {", ".join(kinds)}.'
            self.note((*path, "kind"), f"{kind!r} is no kind of provider", cure)
        elif not kinds[kind] and not provider.base_url:
            self.note(
                (*path, "base_url"), f"is missing: {kind} has no address of its own", 'Write base_url = "https://...".'
            )


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name, or where a setting of this name lives."""
    names = list(known)
    near = get_close_matches(name, names, 1, 0.6)
    if near:
        return f"Did you mean {near[0]}?"
    owners = [table for table, kind in SECTIONS.items() if name in kind.__struct_fields__]
    if owners:
        return f"{name} belongs below [{owners[0]}]."
    return f"Known here: {', '.join(names)}." if names else ""


_TYPE_WORDS = {
    "bool": "true or false", "int": "a whole number", "float": "a number", "str": "text in quotes",
    "array": "a list", "object": "a table", "date": "a day such as 2026-01-31", "null": "nothing",
}  # fmt: skip


def _in_plain_words(said: str, raw: Any) -> str:
    """msgspec's message in the words of TOML."""
    said = said.split(" - at `")[0]
    wanted = re.match(r"Expected `([a-z| ]+)`(?: (<=|>=|<|>) (\S+))?", said)
    if wanted is None:
        return said[0].lower() + said[1:]
    words = " or ".join(_TYPE_WORDS.get(kind, kind) for kind in wanted[1].split(" | ") if kind != "null")
    if wanted[2]:
        bound = {"<=": "at most", ">=": "at least", "<": "below", ">": "above"}[wanted[2]]
        return f"must be {bound} {wanted[3].removesuffix('.0')}, not {raw}"
    return f"must be {words}, not {_called(raw)}"


def _written_out(number: int | Decimal) -> str:
    """Without an exponent, as people write amounts: small ones have one once they are read."""
    usual = isinstance(number, int) or (number.is_finite() and abs(number.adjusted()) <= DIGITS)
    return f"{number:f}" if usual and isinstance(number, Decimal) else str(number)


def _called(raw: Any) -> str:
    """What a TOML value is, for people; never the value itself, which may be a secret."""
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"), (int, "a whole number"), ((float, Decimal), "a number"), (str, "text"),
        (list, "a list"), (dict, "a table"),
    )  # fmt: skip
    return next((words for kind, words in kinds if isinstance(raw, kind)), "a date or time")


def reason(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8 text"


def _is_self(url: str, server: ServerSettings) -> bool:
    where = split_url(url)
    return where is not None and where.port == server.port != 0 and is_loopback(where.hostname or "")
