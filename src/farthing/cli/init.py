"""`farthing init`: writes a commented farthing.toml, from the tree of settings."""

import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import click
import msgspec

from farthing.cli.toml_text import key, value
from farthing.settings import DEFAULT_FILE, AlertChannelSettings, AlertRuleSettings, Secret
from farthing.settings.batch import ScheduleSettings
from farthing.settings.finops import LineSettings, ProjectFinopsSettings
from farthing.settings.prompts import FeaturePromptSettings
from farthing.settings.selfhost import OwnDeploymentSettings
from farthing.settings.tree import (
    SECTIONS,
    BudgetSettings,
    ContractSettings,
    DeploymentSettings,
    FeatureCacheSettings,
    FeatureRoutingSettings,
    ModelSettings,
    ProviderSettings,
    TaskRoutingSettings,
    TemplateRoutingSettings,
    TimeoutSettings,
    bare,
    describe,
)
from farthing.upstream.hosts import HOSTS

HEAD = """\
# Farthing's settings. A line with `#` before a key shows its default: take the `#` away to change it.
# `farthing check` tells what is wrong with this file, line by line, without starting the gateway.
"""

EXAMPLES: dict[type[msgspec.Struct], dict[str, Any]] = {
    ModelSettings: {"provider": "openai", "model": "gpt-5-mini"},
    DeploymentSettings: {"provider": "openai", "model": "gpt-5-mini"},
    ContractSettings: {"provider": "openai", "percent_off": "12.5"},
    FeatureCacheSettings: {"mode": "exact", "ttl_s": 3600.0, "max_temperature": 1.0},
    TaskRoutingSettings: {"quality_floor": 0.99, "max_dollars": "0.05"},
    TemplateRoutingSettings: {"fingerprint": "0123456789abcdef", "task": "classification"},
    AlertChannelSettings: {"kind": "slack", "url": "https://hooks.slack.com/services/..."},
    AlertRuleSettings: {"percent": 5.0, "dollars": "1"},
    FeatureRoutingSettings: {"baseline": "gpt-5", "quality_floor": 0.99},
    FeaturePromptSettings: {
        "lossless": "on",
        "transforms": ["compact", "escapes"],
        "repair": True,
        "stop": ["###"],
        "stop_at_label": True,
        "shorter": "Answer in at most three sentences.",
        "trial": ["shorter"],
    },
    ProjectFinopsSettings: {"phase": "pilot"},
    ScheduleSettings: {
        "file": "in/{yesterday}.csv",
        "template": "prompt.txt",
        "model": "gpt-5-mini",
        "cron": "0 2 * * mon-fri",
        "output": "results/{date}.csv",
        "max_cost": "20",
    },
    OwnDeploymentSettings: {"gpus": 2, "dollars_per_gpu_hour": "2.4", "tokens_per_second": 5000.0},
    BudgetSettings: {"amount": "500", "scope": {"feature": "support", "user": "*"}},
    LineSettings: {"kind": "engineering", "dollars_a_month": "12000", "project": "assistant", "name": "two engineers"},
}
"""What the tables that are all commented out show instead of a default."""

NAMES: dict[type[msgspec.Struct], str] = {DeploymentSettings: "OTHER", AlertRuleSettings: "waste"}
"""What stands for NAME, where it cannot be any."""

LISTS = (ContractSettings, DeploymentSettings, LineSettings)
"""Tables of which there may be several under one name."""


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_FILE)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def command(file: Path, force: bool) -> None:
    """Write FILE (farthing.toml) with every setting, its default and what it does.

    The providers whose keys are in the environment are set up; the keys themselves stay there.
    """
    write_new(file, template(os.environ), force=force)
    click.echo(f"{file} is written. Next: farthing check, then farthing up")


def write_new(file: Path, content: str, *, force: bool) -> None:
    """Write a settings file, which may come to hold secrets: for its owner only."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with open(os.open(file, flags, 0o600), "w", encoding="utf-8") as stream:
            stream.write(content)
    except FileExistsError:
        raise click.ClickException(f"{file} is there already; --force overwrites it") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from None


def template(environ: Mapping[str, str]) -> str:
    """The whole file."""
    found = [name for name, host in HOSTS.items() if host.key_env and environ.get(host.key_env)]
    parts = [HEAD]
    for name, kind in SECTIONS.items():
        if kind is ProviderSettings:
            parts += [_provider(each, first=at == 0) for at, each in enumerate(found or ["openai"])]
        elif kind in EXAMPLES:
            parts.append(_example(name, kind))
        elif kind is not TimeoutSettings:
            parts.append("\n".join([*_comment(kind.__doc__ or ""), f"[{name}]", *_fields(kind)]) + "\n")
    return "\n".join(parts)


def _provider(name: str, *, first: bool) -> str:
    """An active provider; only the first one shows all that could be set."""
    lines = [f"[providers.{name}]", f"api_key = {value(f'env:{HOSTS[name].key_env}')}"]
    if first:
        lines = [*_comment(ProviderSettings.__doc__ or ""), *lines, *_fields(ProviderSettings, without=("api_key",))]
    return "\n".join(lines) + "\n"


def _example(name: str, kind: type[msgspec.Struct]) -> str:
    """A table that is commented out as a whole."""
    name = name.replace("NAME", NAMES.get(kind, "NAME"))
    return "\n".join([*_comment(kind.__doc__ or ""), f"# {heading(name, kind)}", *_fields(kind)]) + "\n"


def heading(name: str, kind: type[msgspec.Struct]) -> str:
    """The line that opens a table."""
    return f"[[{name}]]" if kind in LISTS else f"[{name}]"


def _fields(kind: type[msgspec.Struct], without: tuple[str, ...] = ()) -> Iterator[str]:
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        if field.name in without or holds_tables(hints[field.name]):
            continue
        if field.name == "timeouts":
            yield from _comment("How long the provider may take, in seconds; 0 means no limit.")
            yield from (f"# timeouts.{each} = {value(default)}" for each, default in defaults(TimeoutSettings))
            continue
        yield from _comment(describe(hints[field.name]))
        yield f"# {key(field.name)} = {_shown_default(kind, field)}"


def holds_tables(hint: Any) -> bool:
    """Whether a setting is written as tables of their own, which have a section each."""
    kind = bare(hint)
    if kind is not TimeoutSettings and any(kind is each for each in SECTIONS.values()):
        return True
    return get_origin(kind) in (dict, list) and any(hasattr(each, "__struct_fields__") for each in get_args(kind))


def _shown_default(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> str:
    example = EXAMPLES.get(kind, {}).get(field.name)
    if example is None:
        example = default_of(field)
    return "2026-12-31" if example is None else value(example)


def defaults(kind: type[msgspec.Struct]) -> Iterator[tuple[str, Any]]:
    """Each field's name and default."""
    return ((field.name, default_of(field)) for field in msgspec.structs.fields(kind))


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """A field's default as TOML has it; None where there is none."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    if field.default is msgspec.NODEFAULT:
        return None
    return field.default.reveal() if isinstance(field.default, Secret) else field.default


def _comment(words: str) -> list[str]:
    return textwrap.wrap(" ".join(words.split()), 110, initial_indent="# ", subsequent_indent="# ")
