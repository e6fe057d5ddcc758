"""The settings: one typed tree, read from `farthing.toml`, or made from the API keys in the environment.

Each field says what it does; the reference page and `farthing init` are written from here. A mistake is reported with
its line, its key and the cure, all mistakes of a file at once. Knows nothing of what the settings are used for: whether a
kind of provider or a price exists is for the folders that own these.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta

DEFAULT_FILE = "farthing.toml"


class Secret:
    """A value that no log, error or repr shows; `reveal` gives it, where it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    __str__ = __repr__


class StoreUrl(Secret):
    """Where a store is; it may hold a password."""

    __slots__ = ()


class Amount(str):
    """Dollars or percent, exactly as typed, whether as a number or in quotes."""

    __slots__ = ()


class Url(str):
    """An http or https address, without a slash at the end."""

    __slots__ = ()


class FilePath(str):
    """A file that exists; relative to the settings file."""

    __slots__ = ()


Seconds = Annotated[float, Meta(ge=0, le=1_000_000)]


class ServerSettings(msgspec.Struct, frozen=True):
    """Where and how the gateway listens."""

    host: Annotated[
        str, Meta(description="Address to listen on. Other than loopback needs keys: `farthing keys create`.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 takes a free one.")] = 4141
    workers: Annotated[int, Meta(ge=1, le=256, description="Processes that share the port and the store.")] = 1
    tls_cert: Annotated[
        FilePath, Meta(description="File with the certificate chain (PEM). With `tls_key` it switches HTTPS on.")
    ] = FilePath()
    tls_key: Annotated[FilePath, Meta(description="File with the certificate's private key (PEM).")] = FilePath()
    max_body_mb: Annotated[
        int, Meta(ge=1, description="Largest request body, in MiB; a larger one is refused with 413.")
    ] = 64
    header_timeout_s: Annotated[Seconds, Meta(description="Seconds in which a request's head must have arrived.")] = (
        10.0
    )
    body_timeout_s: Annotated[Seconds, Meta(description="Seconds in which a request's body must have arrived.")] = 60.0
    max_connections: Annotated[
        int, Meta(ge=1, description="Open client connections a process; more are turned away.")
    ] = 2000
    shutdown_grace_s: Annotated[
        Seconds, Meta(description="Seconds that calls under way may take after a stop signal.")
    ] = 30.0
    admin: Annotated[
        Literal["loopback", "on", "off"],
        Meta(
            description="Where admin endpoints answer: `loopback` addresses only, `on` every address, or `off`. Off loopback they need an admin key."
        ),
    ] = "loopback"


class StoreSettings(msgspec.Struct, frozen=True):
    """Where the ledger and the keys are kept."""

    url: Annotated[
        StoreUrl,
        Meta(
            description="`sqlite:///file.db` (relative to this file), `sqlite:////absolute/file.db`, or `postgresql://user@host/database`."
        ),
    ] = StoreUrl("sqlite:///farthing.db")
    queue: Annotated[
        int, Meta(ge=100, description="Calls that may wait to be written before new calls are held back.")
    ] = 20_000
    when_unavailable: Annotated[
        Literal["refuse", "serve"],
        Meta(
            description="When the store cannot be written and the queue is full: `refuse` new calls, or `serve` them."
        ),
    ] = "refuse"


class TimeoutSettings(msgspec.Struct, frozen=True):
    """How long a provider may take, in seconds; 0 means no limit."""

    connect_s: Annotated[Seconds, Meta(description="To connect, TLS included.")] = 10.0
    first_byte_s: Annotated[Seconds, Meta(description="From the request's last byte to the answer's first.")] = 600.0
    idle_s: Annotated[Seconds, Meta(description="Between two reads of an answer.")] = 120.0
    total_s: Annotated[Seconds, Meta(description="For the whole call.")] = 3600.0


class ProviderSettings(msgspec.Struct, frozen=True):
    """One provider, or one account at it. The section's name is yours; it appears in reports."""

    kind: Annotated[
        str,
        Meta(
            description="Which known host this is: `openai`, `azure`, `anthropic`, `groq`, `ollama` and so on. Empty: the section's own name."
        ),
    ] = ""
    base_url: Annotated[
        Url,
        Meta(
            description="Where the provider is, as its SDK wants it; needed only where the kind has no address of its own."
        ),
    ] = Url()
    api_key: Annotated[Secret, Meta(description="`env:NAME`, `file:PATH` or the key itself.")] = Secret()
    api_version: Annotated[
        str, Meta(description="Azure OpenAI's `api-version`, or Anthropic's `anthropic-version`.")
    ] = ""
    headers: Annotated[
        dict[str, Secret], Meta(description="Headers added to each request; values may be `env:NAME` or `file:PATH`.")
    ] = {}
    models: Annotated[
        list[str],
        Meta(
            description="Patterns of the model names that this provider serves, such as `gpt-*`. Empty: what its kind is known for."
        ),
    ] = []
    formats: Annotated[
        list[str],
        Meta(description="Wire formats that it speaks, such as `openai.chat`. Empty: what its kind is known to speak."),
    ] = []
    forward_headers: Annotated[
        list[str], Meta(description="Names of further request headers that are passed on from the client.")
    ] = []
    timeouts: Annotated[TimeoutSettings, Meta(description="Limits of time.")] = TimeoutSettings()
    ca_file: Annotated[
        FilePath, Meta(description="File with the certificate authorities (PEM) to trust instead of the system's.")
    ] = FilePath()
    proxy: Annotated[
        Secret, Meta(description='HTTP proxy to reach the provider through; needs `client = "aiohttp"`.')
    ] = Secret()
    client: Annotated[
        Literal["http1", "aiohttp"], Meta(description="HTTP client: `http1` is the fast one, `aiohttp` knows proxies.")
    ] = "http1"
    prices: Annotated[str, Meta(description="Whose price list holds (`farthing prices show`). Empty: the kind's.")] = ""


class ModelSettings(msgspec.Struct, frozen=True):
    """A model name of your own: callers ask for the section's name."""

    provider: Annotated[str, Meta(description="Section of `providers` that serves it.")]
    model: Annotated[str, Meta(description="What the model is called there.")]
    price_as: Annotated[
        str, Meta(description="The model whose price holds, where the provider's name for it says nothing (Azure).")
    ] = ""


class ContractSettings(msgspec.Struct, frozen=True):
    """What you agreed with a provider, where it differs from the price list."""

    provider: Annotated[str, Meta(description="Whose price list it changes, such as `openai`.")]
    models: Annotated[list[str], Meta(description="Patterns of the models that it covers.")] = msgspec.field(
        default_factory=lambda: ["*"]
    )
    percent_off: Annotated[Amount, Meta(description="Discount on every rate, in percent.")] = Amount()
    rates: Annotated[
        dict[str, Amount],
        Meta(description="Agreed rates by unit (`input`, `cache_read`, `output`), in dollars per 1M."),
    ] = {}
    valid_from: Annotated[date | None, Meta(description="First day, such as 2026-01-01.")] = None
    valid_to: Annotated[date | None, Meta(description="Last day, included.")] = None


class PricesSettings(msgspec.Struct, frozen=True):
    """What calls are priced with, beside the price lists that come with Farthing."""

    allow_unpriced: Annotated[
        bool,
        Meta(description="Serve models that no price is known for; their cost is then unknown, and reports say so."),
    ] = False
    files: Annotated[
        list[FilePath], Meta(description="Rate card files of your own; they come before the shipped ones.")
    ] = []
    contracts: Annotated[list[ContractSettings], Meta(description="Agreed prices, one table each.")] = []


class LogSettings(msgspec.Struct, frozen=True):
    """What the gateway says about itself. Prompts, answers and secrets are never logged."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="The least that is logged.")] = (
        "info"
    )
    format: Annotated[Literal["json", "text"], Meta(description="`json`: one object a line; `text`: for people.")] = (
        "json"
    )


class OtelSettings(msgspec.Struct, frozen=True):
    """OpenTelemetry; needs `pip install 'farthing[otel]'`."""

    endpoint: Annotated[Url, Meta(description="OTLP over HTTP, such as `http://localhost:4318`. Empty: off.")] = Url()
    headers: Annotated[
        dict[str, Secret], Meta(description="Headers for the collector; values may be `env:NAME` or `file:PATH`.")
    ] = {}


class Settings(msgspec.Struct, frozen=True):
    """All that `farthing.toml` can say."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    providers: dict[str, ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    prices: PricesSettings = PricesSettings()
    logs: LogSettings = LogSettings()
    otel: OtelSettings = OtelSettings()

    def warnings(self) -> list[str]:
        """What is allowed and yet worth a second look."""
        found = []
        for name, provider in self.providers.items():
            if _is_open_http(provider.base_url):
                found.append(f"providers.{name}.base_url: keys and prompts travel unencrypted over http; use https")
        if _is_open_http(self.otel.endpoint):
            found.append("otel.endpoint: spans travel unencrypted over http; use https")
        if not is_loopback(self.server.host):
            if not self.server.tls_cert:
                found.append(
                    f"server.host: {self.server.host} is reachable from other machines without TLS; set tls_cert and tls_key, or put a TLS proxy in front"
                )
            if self.server.admin == "on":
                found.append("server.admin: admin endpoints answer on a public address")
        if self.prices.allow_unpriced:
            found.append(
                "prices.allow_unpriced: calls to models without a price are served, and their cost stays unknown"
            )
        return found


class Problem(msgspec.Struct, frozen=True):
    """One mistake, and what to do about it. `line` is 0 where it has none."""

    line: int
    key: str
    problem: str
    cure: str = ""


class SettingsError(Exception):
    """The settings cannot be used; each of `problems` names line, key and cure. `file` is empty for the environment."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        for at in self.problems:
            place = f"{self.file}:{at.line}: " if at.line else f"{self.file}: " if self.file else ""
            key = f"{at.key}: " if at.key else ""
            yield f"{place}{key}{at.problem}" + (f"\n    {at.cure}" if at.cure else "")


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of `path`, or of `farthing.toml` here, or of the API keys in `environ`. Raises SettingsError."""
    file = path or Path(DEFAULT_FILE)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is not None:
            raise SettingsError(
                str(file), [Problem(0, "", "there is no such file", "`farthing init` writes one.")]
            ) from None
        text = ""
        file = Path()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            str(file), [Problem(0, "", f"cannot be read: {_reason(error)}", "It must be UTF-8 text.")]
        ) from None
    return parse(text, environ, file)


def parse(text: str, environ: Mapping[str, str], file: Path = Path()) -> Settings:
    """The settings in `text`. `file` names it in errors; relative paths start from its folder. Raises SettingsError."""
    name = "" if file == Path() else str(file)
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(name, [_syntax_problem(error, text)]) from None
    reader = _Reader(_lines_of_keys(text), environ, file.parent if name else None)
    settings = reader.table(Settings, table, ())
    if settings is not None:
        settings = reader.with_defaults(settings)
        reader.check(settings)
    if settings is None or reader.problems:
        raise SettingsError(name, sorted(reader.problems, key=lambda at: at.line))
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def shown_url(url: str) -> str:
    """`url` without its password, for people."""
    return re.sub(r"(?<=://)([^/@]*?)(:[^/@]*)?@", lambda found: f"{found[1]}{':***' if found[2] else ''}@", url)


StructT = TypeVar("StructT", bound=msgspec.Struct)
Path_ = tuple[str | int, ...]
"""Keys from the top of the file to a value; numbers count `[[tables]]`."""


class _Reader:
    """Turns tables into structs, noting every problem on the way."""

    def __init__(self, lines: dict[Path_, int], environ: Mapping[str, str], folder: Path | None) -> None:
        self.problems: list[Problem] = []
        self._lines = lines
        self._environ = environ
        self._folder = folder

    def note(self, path: Path_, problem: str, cure: str = "") -> None:
        self.problems.append(Problem(self._line(path), _dotted(path), problem, cure))

    def _line(self, path: Path_) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def table(self, kind: type[StructT], raw: Any, path: Path_) -> StructT | None:
        """A struct of a table, None after a problem."""
        if not isinstance(raw, dict):
            self.note(path, f"must be a table, not {_called(raw)}", f"Write [{_dotted(path)}] and its keys below.")
            return None
        hints = get_type_hints(kind, include_extras=True)
        before = len(self.problems)
        for key in raw:
            if key not in hints:
                self.note((*path, key), "there is no such setting", _did_you_mean(key, hints))
        values = {key: self._value(hints[key], value, (*path, key)) for key, value in raw.items() if key in hints}
        for field in msgspec.structs.fields(kind):
            if field.required and field.name not in raw:
                self.note(path, f"{field.name} is missing", f"{field.name}: {describe(hints[field.name])}")
        return kind(**values) if len(self.problems) == before else None

    def _value(self, hint: Any, raw: Any, path: Path_) -> Any:
        kind = bare(hint)
        inner = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.table(kind, raw, path)
        if get_origin(kind) is dict and isinstance(raw, dict):
            return {key: self._value(inner[1], value, (*path, key)) for key, value in raw.items()}
        if get_origin(kind) is list and isinstance(raw, list):
            return [self._value(inner[0], value, (*path, number)) for number, value in enumerate(raw)]
        if kind is Amount and type(raw) in (int, Decimal):
            raw = str(raw)
        if kind in self._readers:
            if isinstance(raw, str):
                return self._readers[kind](raw, path)
            self.note(path, f"must be text in quotes, not {_called(raw)}", describe(hint))
            return None
        return self._plain(hint, raw, path)

    def _plain(self, hint: Any, raw: Any, path: Path_) -> Any:
        try:
            return msgspec.convert(float(raw) if isinstance(raw, Decimal) else raw, hint)
        except msgspec.ValidationError as error:
            self.note(path, _in_plain_words(str(error), raw), describe(hint))
            return None

    def _amount(self, raw: str, path: Path_) -> Amount:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", raw):
            self.note(path, f"{raw!r} is not an amount", "Write a plain number, such as 2.50.")
        return Amount(raw)

    def _secret(self, raw: str, path: Path_) -> Secret:
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
        return Secret(value)

    def _text_of(self, name: str, path: Path_) -> str:
        try:
            return Path(self._absolute(name)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.note(path, f"{name} cannot be read: {_reason(error)}", "A path is relative to the settings file.")
            return ""

    def _file_path(self, raw: str, path: Path_) -> FilePath:
        found = self._absolute(raw)
        if raw and not Path(found).is_file():
            self.note(path, f"there is no file {raw}", "A path is relative to the settings file.")
        return FilePath(found)

    def _absolute(self, name: str) -> str:
        return name if self._folder is None or not name else str(self._folder.absolute() / name)

    def _url(self, raw: str, path: Path_) -> Url:
        if raw:
            self._check_url(raw, path)
        return Url(raw.rstrip("/"))

    def _check_url(self, raw: str, path: Path_) -> None:
        where = _split_url(raw)
        if where is None or where.scheme not in ("http", "https") or not where.hostname:
            self.note(path, f"{shown_url(raw)!r} is not an http or https address", "Write https://host/path.")
        elif where.username is not None or where.query:
            self.note(path, "an address holds no credentials", "Put the key into `api_key` or `headers`.")
        elif where.fragment or not raw.isprintable() or " " in raw:
            self.note(path, "has characters that no address has", "Write https://host/path.")

    def _store_url(self, raw: str, path: Path_) -> StoreUrl:
        """A store's address; a relative file of SQLite is made absolute, so that every command finds the same one."""
        url = self._secret(raw, path).reveal()
        if url.startswith("sqlite:///"):
            name = url.removeprefix("sqlite:///")
            return StoreUrl(f"sqlite:///{self._absolute(name)}")
        if url and not url.startswith(("postgresql://", "postgres://")):
            cure = "Write sqlite:///file.db, sqlite:////absolute/file.db or postgresql://user@host/database."
            self.note(path, f"{shown_url(url)!r} is no store", cure)
        return StoreUrl(url)

    @property
    def _readers(self) -> dict[type, Callable[[str, Path_], Any]]:
        return {
            Secret: self._secret,
            StoreUrl: self._store_url,
            Amount: self._amount,
            Url: self._url,
            FilePath: self._file_path,
        }

    def with_defaults(self, settings: Settings) -> Settings:
        """What the file left out and the environment or its folder tells."""
        store, providers = settings.store, settings.providers or self._providers_of_environment()
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
                url = self._url(self._environ.get(f"{variable}_BASE_URL", "").strip(), (f"{variable}_BASE_URL",))
                found[name] = ProviderSettings(api_key=Secret(key), base_url=url)
        if not found:
            cure = "Set OPENAI_API_KEY or ANTHROPIC_API_KEY in the environment, or write farthing.toml with `farthing init`."
            self.note((), "no provider is configured", cure)
        return found

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
            if model.provider not in settings.providers:
                cure = _did_you_mean(model.provider, settings.providers) or "Add it below `providers`."
                self.note(("models", name, "provider"), f"there is no provider {model.provider!r}", cure)

    def _check_provider(self, name: str, provider: ProviderSettings, server: ServerSettings) -> None:
        path: Path_ = ("providers", name)
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


def bare(hint: Any) -> Any:
    """The type inside `Annotated`, however deep."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint


def describe(hint: Any) -> str:
    """What a field's annotation says about it."""
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((note.description for note in reversed(notes) if isinstance(note, Meta) and note.description), "")


def describe_field(kind: type[msgspec.Struct], name: str) -> str:
    """What one setting does."""
    return describe(get_type_hints(kind, include_extras=True)[name])


def _lines_of_keys(text: str) -> dict[Path_, int]:
    """Where each key of a TOML text stands. The parser itself reads one statement at a time, so no syntax is known here."""
    lines: dict[Path_, int] = {}
    tables: Counter[Path_] = Counter()
    here: Path_ = ()
    for number, statement in _statements(text):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            here = _header(parsed, tables)
            for depth in range(1, len(here) + 1):
                lines.setdefault(here[:depth], number)
        else:
            for path in _paths(parsed):
                lines.setdefault((*here, *path), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the number of its first line; one that goes on over lines is whole once it can be parsed."""
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not held:
            start = number
        held += line
        try:
            tomllib.loads(held)
        except tomllib.TOMLDecodeError:
            continue
        yield start, held
        held = ""


def _header(parsed: dict[str, Any], tables: Counter[Path_]) -> Path_:
    """The path of a `[table]` or of the next `[[table]]`; names inside the latter belong to its latest."""
    path: Path_ = ()
    inner: Any = parsed
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(inner.items()))
        path = (*path, key)
        if isinstance(inner, list):
            tables[path] += 1
        if tables[path]:
            path = (*path, tables[path] - 1)
    return path


def _paths(value: Any) -> Iterator[Path_]:
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (key,)
        for path in _paths(inner):
            yield (key, *path)


def _dotted(path: Path_) -> str:
    """The path as TOML writes it; the second of several `[[tables]]` is `name[2]`."""
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key + 1}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", key)
            written += ("." if written else "") + (key if plain else f'"{key}"')
    return written


def _syntax_problem(error: tomllib.TOMLDecodeError, text: str) -> Problem:
    said = re.sub(r" \(at .*\)$", "", str(error))
    place = re.search(r"at line (\d+)", str(error))
    line = int(place[1]) if place else max(len(text.splitlines()), 1)
    return Problem(line, "", f"this is not TOML: {said}", 'Write key = value, and text in quotes: host = "127.0.0.1".')


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


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "server": ServerSettings,
    "store": StoreSettings,
    "providers.NAME": ProviderSettings,
    "providers.NAME.timeouts": TimeoutSettings,
    "models.NAME": ModelSettings,
    "prices": PricesSettings,
    "prices.contracts": ContractSettings,
    "logs": LogSettings,
    "otel": OtelSettings,
}
"""Every table of the file, in its order."""

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


def _called(raw: Any) -> str:
    """What a TOML value is, for people; never the value itself, which may be a secret."""
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"), (int, "a whole number"), ((float, Decimal), "a number"), (str, "text"),
        (list, "a list"), (dict, "a table"),
    )  # fmt: skip
    return next((words for kind, words in kinds if isinstance(raw, kind)), "a date or time")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8 text"


def _split_url(url: str) -> SplitResult | None:
    try:
        where = urlsplit(url)
        _ = where.port
    except ValueError:
        return None
    return where


def _is_open_http(url: str) -> bool:
    where = _split_url(url)
    return where is not None and where.scheme == "http" and not is_loopback(where.hostname or "")


def _is_self(url: str, server: ServerSettings) -> bool:
    where = _split_url(url)
    return where is not None and where.port == server.port != 0 and is_loopback(where.hostname or "")
