"""The settings: one typed tree (`tree`), read from `farthing.toml`, or made from the API keys in the environment.

A mistake is reported with its line, its key and the cure, all mistakes of a file at once. Knows nothing of what the
settings are used for: whether a kind of provider or a price exists is for the folders that own these.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path

from farthing.settings.alerts import (
    ALERT_RULES,
    AlertChannelSettings,
    AlertDigestSettings,
    AlertRuleSettings,
    AlertSettings,
)
from farthing.settings.batch import BatchSettings, FeatureBatchSettings, ScheduleSettings
from farthing.settings.dashboard import DashboardSettings, OidcSettings
from farthing.settings.errors import Problem, SettingsError
from farthing.settings.finops import FinopsSettings, LineSettings, ProjectFinopsSettings
from farthing.settings.own_rates import with_own_rates
from farthing.settings.plan import PlanSettings
from farthing.settings.prompts import FeaturePromptSettings, HistorySettings, PromptSettings
from farthing.settings.reading import Reader, reason
from farthing.settings.reconcile import ReconcileSettings
from farthing.settings.selfhost import OwnDeploymentSettings, SelfhostSettings
from farthing.settings.student import StudentSettings
from farthing.settings.toml_lines import lines_of_keys
from farthing.settings.transactions import TransactionSettings, TransactionTypeSettings
from farthing.settings.tree import (
    BalanceSettings,
    BudgetSettings,
    CacheSettings,
    ContractSettings,
    DeploymentSettings,
    FeatureCacheSettings,
    FeatureRoutingSettings,
    LogSettings,
    ModelSettings,
    OtelSettings,
    PricesSettings,
    ProviderSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    TaskRoutingSettings,
    TemplateRoutingSettings,
    TimeoutSettings,
)  # fmt: skip
from farthing.settings.values import Amount, FilePath, Secret, StoreUrl, Url, is_loopback, shown_url

DEFAULT_FILE = "farthing.toml"

__all__ = [
    "ALERT_RULES", "DEFAULT_FILE", "AlertChannelSettings", "AlertDigestSettings", "AlertRuleSettings", "AlertSettings", "Amount", "BalanceSettings", "BatchSettings", "BudgetSettings", "CacheSettings", "ContractSettings", "DashboardSettings", "DeploymentSettings", "FeatureBatchSettings", "FeatureCacheSettings", "FeaturePromptSettings", "FeatureRoutingSettings", "FilePath", "FinopsSettings", "HistorySettings", "LineSettings", "LogSettings", "ModelSettings", "OidcSettings", "OtelSettings", "OwnDeploymentSettings", "PlanSettings", "PricesSettings", "Problem", "ProjectFinopsSettings", "PromptSettings", "ProviderSettings", "ReconcileSettings", "RoutingSettings", "ScheduleSettings", "Secret", "SelfhostSettings", "ServerSettings", "Settings", "SettingsError", "StoreSettings", "StoreUrl", "StudentSettings", "TaskRoutingSettings", "TemplateRoutingSettings", "TimeoutSettings", "TransactionSettings", "TransactionTypeSettings", "Url", "is_loopback", "load", "parse", "shown_url",
]  # fmt: skip


def load(
    path: Path | None, environ: Mapping[str, str], *, kinds: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> Settings:  # fmt: skip
    """The settings of `path`, or of `farthing.toml` here, or of the API keys in `environ`. Raises SettingsError.

    `kinds` are the kinds of provider that are known, with the address of each; without it none is looked at. `only` names
    the tables that a command needs: mistakes elsewhere, and keys of providers that are not at hand, are then no matter.
    """
    file = path or Path(DEFAULT_FILE)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is not None:
            cure = "`farthing init` writes one."
            raise SettingsError(str(file), [Problem(0, "", "there is no such file", cure)]) from None
        text, file = "", Path()
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(0, "", f"cannot be read: {reason(error)}", "It must be UTF-8 text.")
        raise SettingsError(str(file), [problem]) from None
    return parse(text, environ, file, kinds=kinds, only=only)


def parse(
    text: str, environ: Mapping[str, str], file: Path = Path(), *, kinds: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> Settings:  # fmt: skip
    """The settings in `text`. `file` names it in errors; relative paths start from its folder. Raises SettingsError."""
    name = "" if file == Path() else str(file)
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(name, [_syntax_problem(error, text)]) from None
    if only is not None:
        kept = {*only, "selfhost"} if "prices" in only else only  # calls at own deployments are priced by it
        table = {key: value for key, value in table.items() if key in kept}
    reader = Reader(lines_of_keys(text), environ, file.parent if name else None, kinds)
    settings = reader.table(Settings, table, ())
    if settings is not None:
        settings = reader.with_defaults(settings, with_providers=only is None or "providers" in only)
        reader.check(settings)
    if settings is None or reader.problems:
        raise SettingsError(name, sorted(reader.problems, key=lambda at: at.line))
    return with_own_rates(settings)


def _syntax_problem(error: tomllib.TOMLDecodeError, text: str) -> Problem:
    said = re.sub(r" \(at .*\)$", "", str(error))
    place = re.search(r"at line (\d+)", str(error))
    line = int(place[1]) if place else max(len(text.splitlines()), 1)
    return Problem(line, "", f"this is not TOML: {said}", 'Write key = value, and text in quotes: host = "127.0.0.1".')
