"""Every setting: its name, type, default and what it does. The reference page and `farthing init` are written from here."""

from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from farthing.settings.alerts import AlertChannelSettings, AlertDigestSettings, AlertRuleSettings, AlertSettings
from farthing.settings.batch import BatchSettings, FeatureBatchSettings, ScheduleSettings
from farthing.settings.capture import CaptureSettings
from farthing.settings.dashboard import DashboardSettings, OidcSettings
from farthing.settings.finops import FinopsSettings, LineSettings, ProjectFinopsSettings
from farthing.settings.plan import PlanSettings
from farthing.settings.prompts import FeaturePromptSettings, HistorySettings, PromptSettings
from farthing.settings.reconcile import ReconcileSettings
from farthing.settings.selfhost import OwnDeploymentSettings, SelfhostSettings
from farthing.settings.student import StudentSettings
from farthing.settings.transactions import TransactionSettings, TransactionTypeSettings
from farthing.settings.values import Amount, FilePath, Secret, StoreUrl, Url, is_loopback, is_open_http


def doc(text: str, *, ge: int | None = None, le: int | None = None) -> Meta:
    """What a setting does, and its bounds."""
    return Meta(description=text, ge=ge, le=le)


Seconds = Annotated[float, Meta(ge=0, le=1_000_000)]
WireFormat = Literal[
    "openai.chat", "openai.responses", "openai.embeddings", "anthropic.messages", "anthropic.count_tokens"
]


class ServerSettings(msgspec.Struct, frozen=True):
    """Where and how the gateway listens."""

    host: Annotated[str, doc("Address to listen on. Other than loopback, keys are needed.")] = "127.0.0.1"
    port: Annotated[int, doc("TCP port; 0 takes a free one.", ge=0, le=65535)] = 4141
    workers: Annotated[int, doc("Processes that share the port and the store.", ge=1, le=256)] = 1
    tls_cert: Annotated[FilePath, doc("Certificate chain (PEM file); with `tls_key`: HTTPS.")] = FilePath()
    tls_key: Annotated[FilePath, doc("The certificate's private key (PEM file).")] = FilePath()
    max_body_mb: Annotated[int, doc("Largest request body in MiB; above it: 413.", ge=1, le=4096)] = 64
    header_timeout_s: Annotated[Seconds, doc("Seconds in which a request's head must arrive.")] = 10.0
    body_timeout_s: Annotated[Seconds, doc("Seconds in which a request's body must arrive.")] = 60.0
    max_connections: Annotated[int, doc("Open client connections of one process; more are turned away.", ge=1)] = 2000
    shutdown_grace_s: Annotated[Seconds, doc("Seconds that calls under way get after a stop signal.")] = 30.0
    admin: Annotated[
        Literal["loopback", "on", "off"],
        doc("Admin endpoints: for callers on this machine only, for all who have an admin key, or none."),
    ] = "loopback"


class StoreSettings(msgspec.Struct, frozen=True):
    """Where the ledger and the keys are kept."""

    url: Annotated[
        StoreUrl,
        doc("`sqlite:///file.db` beside this file, `sqlite:////absolute/file.db`, `postgresql://user@host/name`."),
    ] = StoreUrl("sqlite:///farthing.db")
    journal: Annotated[
        str,
        doc("Local folder for notes of calls under way. Empty: beside the SQLite file, or `farthing.journal` here."),
    ] = ""
    queue: Annotated[int, doc("Calls that may wait to be written before new ones are held back.", ge=100)] = 20_000
    when_unavailable: Annotated[
        Literal["refuse", "serve"],
        doc("What happens to new calls while the store cannot be written and the queue is full."),
    ] = "refuse"


class TimeoutSettings(msgspec.Struct, frozen=True):
    """How long a provider may take, in seconds; 0 means no limit."""

    connect_s: Annotated[Seconds, doc("To connect, TLS included.")] = 10.0
    first_byte_s: Annotated[Seconds, doc("From the request's last byte to the answer's first.")] = 600.0
    idle_s: Annotated[Seconds, doc("Between two reads of an answer.")] = 120.0
    total_s: Annotated[Seconds, doc("For the whole call.")] = 3600.0


class ProviderSettings(msgspec.Struct, frozen=True):
    """One provider, or one account at it. NAME is yours; it appears in reports."""

    kind: Annotated[str, doc("The known host that it is: `openai`, `azure`, `groq`, ... Empty: its NAME says it.")] = ""
    base_url: Annotated[
        Url, doc("Address with the version (`https://host/v1`), or `env:NAME`. Empty: the kind's own.")
    ] = Url()
    api_key: Annotated[Secret, doc("`env:NAME`, `file:PATH` or the key itself.")] = Secret()
    api_version: Annotated[str, doc("Azure OpenAI's `api-version`, or Anthropic's `anthropic-version`.")] = ""
    headers: Annotated[dict[str, Secret], doc("Sent with each request; a value may be `env:NAME` or `file:PATH`.")] = {}
    models: Annotated[list[str], doc("Patterns of the models that it serves (`gpt-*`). Empty: its kind's own.")] = []
    formats: Annotated[list[WireFormat], doc("The wire formats that it speaks. Empty: those of its kind.")] = []
    drain: Annotated[
        bool,
        doc(
            "Read streams that the client left to their end: for providers that bill all of it anyway, so that it is exact."
        ),
    ] = False
    forward_headers: Annotated[list[str], doc("Names of further headers of the client that it is to see.")] = []
    timeouts: Annotated[TimeoutSettings, doc("How long it may take.")] = TimeoutSettings()
    ca_file: Annotated[FilePath, doc("Authorities (PEM file) to trust instead of the system's.")] = FilePath()
    proxy: Annotated[Secret, doc('HTTP proxy to go through; needs `client = "aiohttp"`.')] = Secret()
    client: Annotated[Literal["http1", "aiohttp"], doc("`http1` is the fast one, `aiohttp` knows proxies.")] = "http1"
    prices: Annotated[str, doc("Whose price list holds (`farthing prices show`). Empty: its kind's.")] = ""


class DeploymentSettings(msgspec.Struct, frozen=True):
    """One place where a model is served. One `[[models.NAME.deployments]]` each; the first is the one whose price counts
    as what the call would have cost."""

    provider: Annotated[str, doc("The NAME of the provider.")]
    model: Annotated[str, doc("What the model is called there. Empty: the same.")] = ""
    price_as: Annotated[str, doc("The model whose price holds, where its name there says nothing (Azure).")] = ""
    weight: Annotated[float, Meta(ge=0, le=1_000_000, description="Its share of the calls under `weighted`.")] = 1.0
    reserved: Annotated[
        bool, doc("Capacity that is paid for anyway (PTU, own GPUs): filled first, the rest flows over.")
    ] = False
    region: Annotated[str, doc("Where it runs, such as `eu`; tasks and keys can ask for one.")] = ""
    requests_per_minute: Annotated[
        int, doc("Its rate limit, if the provider does not say it. 0: none known.", ge=0)
    ] = 0
    tokens_per_minute: Annotated[int, doc("Its rate limit in tokens. 0: none known.", ge=0)] = 0
    max_in_flight: Annotated[int, doc("Calls that may be under way there at once. 0: no limit.", ge=0)] = 0


class ModelSettings(msgspec.Struct, frozen=True):
    """A model under a name of your own: callers ask for NAME."""

    provider: Annotated[str, doc("The NAME of the provider that serves it. Empty: `deployments` say where.")] = ""
    model: Annotated[str, doc("What the model is called there. Empty: the same.")] = ""
    price_as: Annotated[str, doc("The model whose price holds, where its name there says nothing (Azure).")] = ""
    deployments: Annotated[list[DeploymentSettings], doc("All places that serve it, where there are several.")] = []
    fallbacks: Annotated[
        list[str], doc("Models that answer in its place when no deployment of it can, in this order.")
    ] = []
    context: Annotated[int, doc("Its context window in tokens, where the price list does not know it.", ge=0)] = 0
    can: Annotated[
        list[str],
        doc("What it can do: `tools`, `schema`, `images`, `audio`, `files`, `reasoning`. Empty: what is known of it."),
    ] = []


class BalanceSettings(msgspec.Struct, frozen=True):
    """Which deployment of a model serves a call, and what happens when it fails."""

    strategy: Annotated[
        Literal["combined", "cost", "latency", "head-room", "weighted"],
        doc("`combined`: healthy and with room first, then cheap, then fast; the others look at one thing alone."),
    ] = "combined"
    attempts: Annotated[int, doc("Most tries of one call, the first included.", ge=1, le=20)] = 4
    retry_percent: Annotated[
        float, Meta(ge=0, le=100, description="Retries in a hundred calls; above it a failing provider is left alone.")
    ] = 20.0
    open_after: Annotated[int, doc("Failures in a row after which a deployment is left alone.", ge=1)] = 5
    open_s: Annotated[Seconds, doc("Seconds until a deployment that was left alone is tried again.")] = 5.0
    patience_s: Annotated[Seconds, doc("Seconds that a call may wait for a rate limit or a short outage.")] = 2.0
    sticky_s: Annotated[Seconds, doc("Seconds that a conversation stays where its prompt is cached. 0: never.")] = 300.0
    content_filter: Annotated[
        Literal["fallback", "pass"],
        doc(
            "What follows when a provider's content filter refuses a request or keeps its answer back: `fallback` asks "
            "the model's next fallback, `pass` gives the client the provider's words."
        ),
    ] = "fallback"
    hedge_after_s: Annotated[
        Seconds, doc("Seconds without a first byte after which a second deployment is asked too. 0: never.")
    ] = 0.0
    continue_streams: Annotated[
        bool, doc("Ask another deployment to go on with a stream that broke off. Else it ends with an error.")
    ] = False


class ContractSettings(msgspec.Struct, frozen=True):
    """What you agreed with a provider, where it differs from the price list. One `[[prices.contracts]]` each."""

    provider: Annotated[str, doc("Whose price list it changes, such as `openai`.")]
    models: Annotated[list[str], doc("Patterns of the models that it covers.")] = msgspec.field(
        default_factory=lambda: ["*"]
    )
    percent_off: Annotated[Amount, doc("Discount on every rate, in percent.")] = Amount()
    rates: Annotated[dict[str, Amount], doc("Agreed rates by unit (`input`, `output`, ...), in dollars per 1M.")] = {}
    tier: Annotated[
        str, doc("Service tier that `rates` hold for: `flex`, `batch`, `priority`. Empty: the standard one.")
    ] = ""
    valid_from: Annotated[date | None, doc("First day, such as 2026-01-01.")] = None
    valid_to: Annotated[date | None, doc("Last day, included.")] = None


class PricesSettings(msgspec.Struct, frozen=True):
    """What calls are priced with, beside the price lists that come with Farthing."""

    allow_unpriced: Annotated[bool, doc("Serve models without a known price; their cost is then unknown.")] = False
    files: Annotated[list[FilePath], doc("Rate card files of your own; they come before ours.")] = []
    contracts: Annotated[list[ContractSettings], doc("What you agreed with providers.")] = []


CacheMode = Literal["off", "exact", "semantic"]
CacheShare = Literal["user", "team", "tenant"]
FeedbackReach = Literal["entry", "neighbourhood", "scope"]
Temperature = Annotated[float, Meta(ge=0, le=2)]


class FeatureCacheSettings(msgspec.Struct, frozen=True):
    """The cache of one feature, where it differs."""

    mode: Annotated[Literal["", "off", "exact", "semantic"], doc("As `cache.mode`. Empty: the same.")] = ""
    ttl_s: Annotated[Seconds | None, doc("As `cache.ttl_s`.")] = None
    max_temperature: Annotated[Temperature | None, doc("As `cache.max_temperature`.")] = None
    share: Annotated[Literal["", "user", "team", "tenant"], doc("As `cache.share`. Empty: the same.")] = ""
    feedback: Annotated[
        Literal["", "entry", "neighbourhood", "scope"], doc("As `cache.feedback`. Empty: the same.")
    ] = ""


class CacheSettings(msgspec.Struct, frozen=True):
    """Answers that are given again. It holds questions and answers, so it is off until you switch it on."""

    mode: Annotated[CacheMode, doc("`exact`: the same request; `semantic`: also the same question in other words.")] = (
        "off"
    )
    ttl_s: Annotated[Seconds, doc("Seconds after which an answer is not given again.")] = 86_400.0
    max_temperature: Annotated[
        Temperature, doc("Calls above it want chance to play its part and are left alone. Not given counts as 1.")
    ] = 0.0
    share: Annotated[CacheShare, doc("Who may get an answer: the same user, team or tenant as whoever caused it.")] = (
        "team"
    )
    usage: Annotated[
        Literal["original", "zero"], doc("Tokens that a given answer reports: those of the original call, or none.")
    ] = "original"
    max_mb: Annotated[int, doc("Most MiB of a tenant's answers; what saves least a byte goes first.", ge=1)] = 256
    max_entries: Annotated[int, doc("Most answers of a tenant.", ge=1)] = 100_000
    encryption_key: Annotated[
        Secret, doc("Encrypts questions and answers at rest, such as `env:FARTHING_CACHE_KEY`. Empty: not encrypted.")
    ] = Secret()
    wrong_hits_percent: Annotated[
        float,
        Meta(ge=0.01, le=50, description="Most wrong answers in a hundred semantic hits; kept with 95 % confidence."),
    ] = 1.0
    check_percent: Annotated[
        float, Meta(ge=0, le=100, description="Semantic hits in a hundred that are checked: the model is asked anyway.")
    ] = 5.0
    probe_percent: Annotated[
        float, Meta(ge=1, le=100, description="Checks in a hundred at which the judge is tried too, on a known case.")
    ] = 30.0
    feedback: Annotated[
        FeedbackReach,
        doc(
            "How far a verdict of people reaches: the answer dies (`entry`), hits less similar get stricter too "
            "(`neighbourhood`), or all of the feature's (`scope`)."
        ),
    ] = "neighbourhood"
    judge: Annotated[str, doc("Model that judges checked hits, such as `gpt-5-mini`. Empty: no semantic hits.")] = ""
    judgements_a_minute: Annotated[int, doc("Most judgements that a gateway asks for in a minute.", ge=0)] = 60
    encoder: Annotated[
        str,
        doc(
            "Model that makes text vectors, such as `text-embedding-3-small`. Empty: the local one, which costs nothing."
        ),
    ] = ""
    threads: Annotated[int, doc("Threads of the local encoder.", ge=1, le=64)] = 1
    features: Annotated[dict[str, FeatureCacheSettings], doc("By feature, where it differs.")] = {}


Share = Annotated[float, Meta(ge=0, le=1)]
Percent = Annotated[float, Meta(ge=0, le=100)]


class TaskRoutingSettings(msgspec.Struct, frozen=True):
    """One kind of work. NAME is one of Farthing's own (`classification`, `extraction`, `summarisation`, `qa`,
    `reasoning`, `creative`, `code`, `rewrite`, `embedding`) or what callers declare."""

    quality_floor: Annotated[Share | None, doc("As `routing.quality_floor`.")] = None
    models: Annotated[list[str], doc("Patterns of the models that may do it. Empty: all of the tiers.")] = []
    deny: Annotated[list[str], doc("Patterns of models that may not.")] = []
    lock: Annotated[str, doc("The one model or tier that does it, whatever callers and evidence say.")] = ""
    max_dollars: Annotated[Amount, doc("Most that one call is expected to cost. 0: no limit.")] = Amount()
    region: Annotated[str, doc("Where its calls must be served. Empty: anywhere.")] = ""
    check: Annotated[
        str,
        doc(
            "What a good answer looks like: `auto` (what the request itself says: schema, labels, tools), `none`, `json`, "
            "`python` (it compiles), `citation`, `words:MIN-MAX`, or `regex:PATTERN`."
        ),
    ] = "auto"
    cascade: Annotated[
        Literal["auto", "off", "always"],
        doc("Cheap model first, then the check, then the better one. `auto`: where it is measured to be cheaper."),
    ] = "auto"


class TemplateRoutingSettings(msgspec.Struct, frozen=True):
    """A prompt template that traffic showed (`farthing routes templates`), under a name of yours."""

    fingerprint: Annotated[str, doc("Its 16 hex digits.")]
    task: Annotated[str, doc("The kind of work that it does.")] = ""


class FeatureRoutingSettings(msgspec.Struct, frozen=True):
    """The routing of one feature, where it differs."""

    baseline: Annotated[str, doc("The model that it used before: what `auto` is compared with.")] = ""
    quality_floor: Annotated[Share | None, doc("As `routing.quality_floor`.")] = None
    task: Annotated[str, doc("The kind of work that all its calls do.")] = ""


class RoutingSettings(msgspec.Struct, frozen=True):
    """Which model serves a call that leaves the choice to Farthing (`auto`, a tier, or a key that allows it)."""

    small: Annotated[list[str], doc("Models of the small tier. Empty: from the price lists of your providers.")] = []
    mid: Annotated[list[str], doc("Models of the mid tier. Empty: likewise.")] = []
    flagship: Annotated[list[str], doc("Models of the flagship tier; the first is what quality is compared with.")] = []
    embedding: Annotated[list[str], doc("Models that make vectors. Empty: likewise.")] = []
    quality_floor: Annotated[
        Share, doc("Least quality, as a share of the flagship's: 0.99 lets one answer in a hundred be worse.")
    ] = 0.99
    table: Annotated[
        Literal["measured", "by-prompt", "textbook"],
        doc(
            "`measured`: by evidence, and each kind of work keeps the floor; `by-prompt`: all calls together keep it, and what "
            "is learned of single prompts saves more (needs the extra `cache`); `textbook`: a fixed tier for each kind."
        ),
    ] = "measured"
    changes: Annotated[
        Literal["propose", "apply"],
        doc(
            "What evidence does to the table: `propose` for `farthing routes review`, or `apply`. Demotions always apply."
        ),
    ] = "propose"
    substitute: Annotated[
        bool, doc("Calls that name a model may get a cheaper one that clears the floor. Keys can say otherwise.")
    ] = False
    tasks_of: Annotated[
        Literal["routed", "all", "none"],
        doc("Calls whose kind of work is looked for: those that are routed, or `all` for reports too."),
    ] = "routed"
    judge: Annotated[str, doc("Model that compares answers with the flagship's. Empty: checks and people only.")] = ""
    shadow_percent: Annotated[
        Percent,
        doc("Routed calls in a hundred that another model answers too, as long as one is worth learning about."),
    ] = 2.0
    watch_percent: Annotated[
        Percent,
        doc("Calls in a hundred of a cheaper model that the flagship answers too, to see whether it is still as good."),
    ] = 2.0
    shadow_dollars_a_day: Annotated[Amount, doc("Most that such second calls and the judge may cost in a day.")] = (
        Amount(5)
    )
    hold_out_percent: Annotated[Percent, doc("Sessions in a hundred that go without a lever, to measure it.")] = 2.0
    deny: Annotated[list[str], doc("Patterns of models that are never chosen.")] = []
    tasks: Annotated[dict[str, TaskRoutingSettings], doc("By kind of work.")] = {}
    templates: Annotated[dict[str, TemplateRoutingSettings], doc("By prompt template.")] = {}
    features: Annotated[dict[str, FeatureRoutingSettings], doc("By feature.")] = {}


class BudgetSettings(msgspec.Struct, frozen=True):
    """What some calls may spend. NAME is yours. Budgets of this file belong to it; `farthing budgets set` makes others."""

    amount: Annotated[Amount, doc("Dollars, tokens or calls a window; `unit` says which.")]
    unit: Annotated[Literal["money", "tokens", "calls"], doc("What is counted.")] = "money"
    scope: Annotated[
        dict[str, str],
        doc(
            "For which calls: `team`, `project`, `user`, `feature`, `key` (its id), `model` (a pattern) or a tag = value; all "
            'must fit. `"*"`: one budget of this size for each value; `"lab *"`: all that begin so, together. Empty: all calls.'
        ),
    ] = {}
    tenant: Annotated[str, doc('Whose calls. `"*"`: one for each tenant.')] = "default"
    window: Annotated[
        str, doc("`hour`, `day`, `week`, `month`, `quarter`, `total`, or rolling: `rolling 30d`, `rolling 24h`.")
    ] = "month"
    zone: Annotated[str, doc("Time zone in which days begin, such as `Europe/Berlin`.")] = "UTC"
    fiscal_start: Annotated[str, doc("First day of the fiscal year, MM-DD; only quarters ask.")] = "01-01"
    roll_over: Annotated[bool, doc("Add what the window before left over, at most one amount.")] = False
    hard: Annotated[bool, doc("Refuse what would exceed it. Off: it is only watched.")] = True
    exceeded: Annotated[
        Literal["refuse", "downgrade", "queue"],
        doc(
            "`downgrade`: calls that leave the model to Farthing get a cheaper one first. `queue`: calls with an "
            "`x-farthing-deadline` wait for the next window, where that begins before it."
        ),
    ] = "refuse"
    payment_required: Annotated[bool, doc("Refuse with 402 instead of 429.")] = False
    max_call: Annotated[
        Amount, doc("Dollars. A call that is expected to cost more is stopped before it is sent. 0: none is.")
    ] = Amount("0")
    cover: Annotated[
        Literal["limit", "likely"],
        doc(
            "`limit`: an answer is limited to what is reserved, so that the budget holds to the last token. `likely`: streams "
            "have what they are likely to need reserved and more as they go; they are ended when nothing is left."
        ),
    ] = "limit"
    confirm: Annotated[bool, doc("Whether the header `x-farthing-confirm-cost: yes` lets such a call through.")] = True
    when_unavailable: Annotated[
        Literal["refuse", "serve"], doc("Its calls while the store cannot be reached: refused with 503, or served.")
    ] = "refuse"


class LogSettings(msgspec.Struct, frozen=True):
    """What the gateway says about itself. Prompts, answers and secrets are never logged."""

    level: Annotated[Literal["debug", "info", "warning", "error"], doc("The least that is logged.")] = "info"
    format: Annotated[Literal["json", "text"], doc("`json`: one object a line; `text`: for people.")] = "json"


class OtelSettings(msgspec.Struct, frozen=True):
    """OpenTelemetry; needs `pip install 'farthing[otel]'`."""

    endpoint: Annotated[Url, doc("OTLP over HTTP, such as `http://localhost:4318`. Empty: off.")] = Url()
    headers: Annotated[dict[str, Secret], doc("For the collector; a value may be `env:NAME` or `file:PATH`.")] = {}
    metrics: Annotated[
        Literal["histograms", "counters", "both"],
        doc("Names of token metrics: `histograms` as backends know them, `counters` as the conventions plan them."),
    ] = "histograms"


class Settings(msgspec.Struct, frozen=True):
    """All that `farthing.toml` can say."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    providers: dict[str, ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    prices: PricesSettings = PricesSettings()
    cache: CacheSettings = CacheSettings()
    routing: RoutingSettings = RoutingSettings()
    prompts: PromptSettings = PromptSettings()
    balance: BalanceSettings = BalanceSettings()
    batch: BatchSettings = BatchSettings()
    capture: CaptureSettings = CaptureSettings()
    selfhost: SelfhostSettings = SelfhostSettings()
    student: StudentSettings = StudentSettings()
    budgets: dict[str, BudgetSettings] = {}
    finops: FinopsSettings = FinopsSettings()
    plan: PlanSettings = PlanSettings()
    transactions: TransactionSettings = TransactionSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    alerts: AlertSettings = AlertSettings()
    dashboard: DashboardSettings = DashboardSettings()
    logs: LogSettings = LogSettings()
    otel: OtelSettings = OtelSettings()

    def warnings(self) -> list[str]:
        """What is allowed and yet worth a second look."""
        found = [
            f"providers.{name}.base_url: keys and prompts travel unencrypted over http; use https"
            for name, provider in self.providers.items()
            if is_open_http(provider.base_url)
        ]
        if is_open_http(self.otel.endpoint):
            found.append("otel.endpoint: spans travel unencrypted over http; use https")
        if not is_loopback(self.server.host) and not self.server.tls_cert:
            found.append(
                f"server.host: {self.server.host} is open to other machines without TLS; set tls_cert and tls_key"
            )
        if not is_loopback(self.server.host) and self.server.admin == "on":
            found.append("server.admin: admin endpoints answer on a public address")
        if is_open_http(self.dashboard.oidc.issuer):
            found.append("dashboard.oidc.issuer: who signs in is told unencrypted over http; use https")
        if not self.cache.judge and "semantic" in {
            self.cache.mode,
            *(each.mode for each in self.cache.features.values()),
        }:
            found.append(
                "cache.judge: without a judge no semantic hit is shown to be right, so only pinned ones are given"
            )
        if (self.capture.features or self.capture.tasks) and not self.capture.encryption_key:
            found.append("capture.encryption_key: questions and answers are kept without encryption")
        if (self.capture.features or self.capture.tasks) and not self.capture.redact:
            found.append("capture.redact: e-mail addresses, card numbers and keys are kept as they are")
        for name in self.selfhost.deployments:
            if name not in self.models and name.partition("/")[0] not in self.providers:
                found.append(f'selfhost.deployments."{name}": no deployment has this label; it is PROVIDER/MODEL')
        if self.prices.allow_unpriced:
            found.append("prices.allow_unpriced: models without a price are served, and their cost stays unknown")
        return found


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "server": ServerSettings,
    "store": StoreSettings,
    "providers.NAME": ProviderSettings,
    "providers.NAME.timeouts": TimeoutSettings,
    "models.NAME": ModelSettings,
    "models.NAME.deployments": DeploymentSettings,
    "prices": PricesSettings,
    "prices.contracts": ContractSettings,
    "cache": CacheSettings,
    "cache.features.NAME": FeatureCacheSettings,
    "routing": RoutingSettings,
    "routing.tasks.NAME": TaskRoutingSettings,
    "routing.templates.NAME": TemplateRoutingSettings,
    "routing.features.NAME": FeatureRoutingSettings,
    "prompts": PromptSettings,
    "prompts.features.NAME": FeaturePromptSettings,
    "prompts.features.NAME.history": HistorySettings,
    "balance": BalanceSettings,
    "batch": BatchSettings,
    "batch.features.NAME": FeatureBatchSettings,
    "batch.schedules.NAME": ScheduleSettings,
    "capture": CaptureSettings,
    "selfhost": SelfhostSettings,
    "selfhost.deployments.NAME": OwnDeploymentSettings,
    "student": StudentSettings,
    "budgets.NAME": BudgetSettings,
    "finops": FinopsSettings,
    "finops.projects.NAME": ProjectFinopsSettings,
    "finops.lines": LineSettings,
    "plan": PlanSettings,
    "transactions": TransactionSettings,
    "transactions.types.NAME": TransactionTypeSettings,
    "reconcile": ReconcileSettings,
    "alerts": AlertSettings,
    "alerts.digest": AlertDigestSettings,
    "alerts.channels.NAME": AlertChannelSettings,
    "alerts.rules.NAME": AlertRuleSettings,
    "dashboard": DashboardSettings,
    "dashboard.oidc": OidcSettings,
    "logs": LogSettings,
    "otel": OtelSettings,
}
"""Every table of the file, in its order."""


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
