"""From a LiteLLM proxy's configuration to farthing.toml. What has no counterpart is named with the reason, never dropped
in silence. Knows only the file's format; nothing of LiteLLM is needed.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import yaml

from farthing.cli.toml_text import key, table
from farthing.finops.cost_card import plain
from farthing.upstream.hosts import HOSTS

KINDS = {
    "openai": "openai", "azure": "azure", "anthropic": "anthropic", "gemini": "gemini", "deepseek": "deepseek",
    "groq": "groq", "mistral": "mistral", "xai": "xai", "together_ai": "together", "openrouter": "openrouter",
    "fireworks_ai": "fireworks", "ollama": "ollama", "ollama_chat": "ollama", "hosted_vllm": "vllm", "vllm": "vllm",
    "openai_like": "openai_compatible", "custom_openai": "openai_compatible", "text-completion-openai": "openai",
    "llamafile": "llamacpp",
}  # fmt: skip
"""Their prefix of a model -> our kind of provider."""

PARAMS = {"model", "api_key", "api_base", "base_url", "api_version", "extra_headers", "organization"}
"""What of `litellm_params` is carried over, beside costs."""

COSTS = {
    "input_cost_per_token": "input", "output_cost_per_token": "output", "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "w5m", "input_cost_per_audio_token": "audio_in",
    "output_cost_per_audio_token": "audio_out",
}  # fmt: skip
"""Their cost of one token -> our unit."""

REASONS = {
    "litellm_params.rpm": "limits are set on keys: farthing keys create --rpm",
    "litellm_params.tpm": "limits are set on keys: farthing keys create --tpm",
    "litellm_params.weight": "write weights with the deployments: [[models.NAME.deployments]]",
    "litellm_params.drop_params": "fields are passed on as they come",
    "litellm_params.timeout": "time limits are set on the provider: timeouts.total_s",
    "litellm_params.stream_timeout": "time limits are set on the provider: timeouts.first_byte_s",
    "litellm_params.max_retries": "the client's own retries stay in force",
    "litellm_params.api_type": "the provider's kind says it",
    "litellm_settings.drop_params": "fields are passed on as they come",
    "litellm_settings.callbacks": "the ledger, /metrics and [otel] tell what they told",
    "litellm_settings.success_callback": "the ledger, /metrics and [otel] tell what they told",
    "litellm_settings.failure_callback": "the ledger, /metrics and [otel] tell what they told",
    "litellm_settings.cache": "switch it on in [cache], by feature",
    "litellm_settings.cache_params": "see [cache]; no second store is needed",
    "litellm_settings.fallbacks": "write them with the model: [models.NAME] fallbacks",
    "litellm_settings.max_budget": "declare it as [budgets.NAME]",
    "litellm_settings.budget_duration": "declare it as [budgets.NAME], with its window",
    "litellm_settings.num_retries": "the client's own retries stay in force",
    "router_settings.fallbacks": "write them with the model: [models.NAME] fallbacks",
    "router_settings.num_retries": "the client's own retries stay in force",
    "router_settings.timeout": "time limits are set on the provider: timeouts.total_s",
    "router_settings.redis_host": "no second store is needed",
    "router_settings.redis_port": "no second store is needed",
    "router_settings.redis_password": "no second store is needed",
    "router_settings.routing_strategy": "choose one in [balance]: strategy",
    "general_settings.master_key": "make an admin key instead: farthing keys create NAME --admin",
    "general_settings.database_url": "the ledger has tables of its own: set [store] url",
    "general_settings.store_model_in_db": "models stand in the file",
}
UNKNOWN = "there is nothing like it here"


class Unreadable(Exception):
    """The file is no LiteLLM configuration; the message says why."""


class Left(msgspec.Struct, frozen=True):
    """Something that was not carried over."""

    what: str
    why: str


class Made(msgspec.Struct, frozen=True):
    """The new file, and what it lacks."""

    toml: str
    providers: int
    models: int
    left_out: list[Left]


def convert(text: str) -> Made:
    """The farthing.toml of a LiteLLM configuration. Raises Unreadable."""
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Unreadable(f"this is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_list") or [], list):
        raise Unreadable("this is no LiteLLM configuration: it has no model_list")
    return _Conversion().convert(config)


class _Conversion:
    """Collects the tables of the new file."""

    def __init__(self) -> None:
        self._providers: dict[str, dict[str, Any]] = {}
        self._models: dict[str, dict[str, Any]] = {}
        self._contracts: list[dict[str, Any]] = []
        self._logs: dict[str, Any] = {}
        self._left: dict[Left, None] = {}

    def convert(self, config: Mapping[str, Any]) -> Made:
        for entry in config.get("model_list") or []:
            self._model(entry)
        self._settings(_mapping(config.get("litellm_settings")))
        for section in ("router_settings", "general_settings"):
            for name in _mapping(config.get(section)):
                self._leave(f"{section}.{name}", REASONS.get(f"{section}.{name}", UNKNOWN))
        for name in _mapping(config.get("environment_variables")):
            self._leave(f"environment_variables.{name}", "set it in the environment that the gateway starts in")
        known = {"model_list", "litellm_settings", "router_settings", "general_settings", "environment_variables"}
        for name in config:
            if name not in known:
                self._leave(str(name), UNKNOWN)
        return Made(self._toml(), len(self._providers), len(self._models), list(self._left))

    def _leave(self, what: str, why: str) -> None:
        self._left[Left(what, why)] = None

    def _model(self, entry: Any) -> None:
        name = _mapping(entry).get("model_name")
        params = _mapping(_mapping(entry).get("litellm_params"))
        full = params.get("model")
        if not isinstance(name, str) or not isinstance(full, str):
            self._leave("an entry of model_list", "it lacks model_name or litellm_params.model")
            return
        kind, model = _kind_of(full, params)
        if kind is None:
            self._leave(f"model {name}", f"{full.partition('/')[0]!r} is no provider that is known here")
            return
        self._leftovers(name, params, _mapping(_mapping(entry).get("model_info")))
        provider = self._provider(kind, params)
        if "*" in name:
            self._wildcard(name, model, provider)
        elif name in self._models:
            self._leave(
                f"model {name}, another deployment ({full})",
                "the first was taken; write the others by hand: [[models.NAME.deployments]]",
            )
        else:
            self._models[name] = {"provider": provider} | ({"model": model} if model != name else {})
            self._costs(name, model, kind, params | _mapping(_mapping(entry).get("model_info")))

    def _leftovers(self, name: str, params: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        for each in params:
            if each not in PARAMS and each not in COSTS:
                self._leave(f"model {name}, {each}", REASONS.get(f"litellm_params.{each}", UNKNOWN))
        for each in info:
            if each not in COSTS and each not in ("id", "mode", "base_model"):
                self._leave(f"model {name}, model_info.{each}", "prices and limits of models come from the price list")

    def _provider(self, kind: str, params: Mapping[str, Any]) -> str:
        """The name of the provider with this address and key, made if it is new."""
        wanted: dict[str, Any] = {"kind": kind}
        base = params.get("api_base") or params.get("base_url")
        wanted |= {"base_url": _base_url(kind, str(base))} if base else {}
        if params.get("api_key"):
            wanted["api_key"] = _secret(params["api_key"])
        elif HOSTS[kind].key_env:
            wanted["api_key"] = f"env:{HOSTS[kind].key_env}"
        if params.get("api_version"):
            wanted["api_version"] = str(params["api_version"])
        headers = {str(name): _secret(value) for name, value in _mapping(params.get("extra_headers")).items()}
        headers |= {"OpenAI-Organization": _secret(params["organization"])} if params.get("organization") else {}
        wanted |= {"headers": headers} if headers else {}
        for name, known in self._providers.items():
            if {each: value for each, value in known.items() if each != "models"} == wanted:
                return name
        name = (
            kind
            if kind not in self._providers
            else f"{kind}-{sum(each['kind'] == kind for each in self._providers.values()) + 1}"
        )
        self._providers[name] = wanted
        return name

    def _wildcard(self, name: str, model: str, provider: str) -> None:
        """`openai/*` is how a provider's models are asked for anyway; other patterns are the provider's own."""
        pattern = model if "/" in name else name
        if name != f"{provider}/*":
            self._providers[provider].setdefault("models", []).append(pattern)

    def _costs(self, name: str, model: str, kind: str, given: Mapping[str, Any]) -> None:
        rates = {}
        for theirs, ours in COSTS.items():
            if given.get(theirs) is not None:
                try:
                    rates[ours] = plain(Decimal(str(given[theirs])) * 1_000_000)
                except InvalidOperation:
                    self._leave(f"model {name}, {theirs}", f"{given[theirs]!r} is no amount")
        if rates:
            list_name = HOSTS[kind].prices or self._models[name]["provider"]
            self._contracts.append({"provider": list_name, "models": [model], "rates": rates})

    def _settings(self, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            if name == "request_timeout" and isinstance(value, int | float):
                for provider in self._providers.values():
                    provider["timeouts"] = {"total_s": value}
            elif name == "json_logs":
                self._logs["format"] = "json" if value else "text"
            elif name == "set_verbose":
                self._logs["level"] = "debug" if value else "info"
            else:
                self._leave(f"litellm_settings.{name}", REASONS.get(f"litellm_settings.{name}", UNKNOWN))

    def _toml(self) -> str:
        parts = ["# Made from a LiteLLM proxy's configuration by `farthing import litellm`.\n"]
        for name, provider in self._providers.items():
            shown = {each: value for each, value in provider.items() if each != "kind" or value != name}
            parts.append(table(f"providers.{key(name)}", shown))
        parts += [table(f"models.{key(name)}", model) for name, model in self._models.items()]
        parts += [table("prices.contracts", contract, array=True) for contract in self._contracts]
        parts += [table("logs", self._logs)] if self._logs else []
        return "\n".join(parts)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _kind_of(full: str, params: Mapping[str, Any]) -> tuple[str | None, str]:
    """Our kind of provider, None if there is none, and the model's name there."""
    prefix, slash, rest = full.partition("/")
    named = params.get("custom_llm_provider") or (prefix if slash else "")
    model = rest if slash and prefix == named else full
    kind = KINDS.get(str(named))
    if not named:
        kind = next(
            (name for name, host in HOSTS.items() if any(fnmatchcase(full, each) for each in host.models)), "openai"
        )
    base = params.get("api_base") or params.get("base_url")
    if kind == "openai" and base and str(base).rstrip("/") != HOSTS["openai"].base_url:
        kind = "openai_compatible"
    return kind, model


def _base_url(kind: str, base: str) -> str:
    """Their address of Anthropic leaves the version out; ours always has it."""
    base = _secret(base).rstrip("/")
    if base.startswith("env:"):
        return base
    return f"{base}/v1" if kind == "anthropic" and not base.endswith("/v1") else base


def _secret(value: Any) -> str:
    """A value as our settings write it: where it comes from, or itself."""
    text = str(value)
    return f"env:{text.removeprefix('os.environ/')}" if text.startswith("os.environ/") else text
