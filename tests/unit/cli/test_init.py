"""`farthing init`: the written file holds every setting, can be used, and can be uncommented line by line."""

import re
import stat
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from farthing.cli.init import template
from farthing.settings import parse
from farthing.settings.tree import SECTIONS


def test_the_file_is_written_for_its_owner_and_can_be_used(farthing: Callable[..., Result], folder: Path) -> None:
    env = {"ANTHROPIC_API_KEY": "sk-secret", "GROQ_API_KEY": "x"}
    done = farthing("init", env=env)
    assert done.exit_code == 0
    text = (folder / "farthing.toml").read_text()
    assert "sk-secret" not in text
    assert stat.S_IMODE((folder / "farthing.toml").stat().st_mode) == 0o600
    assert list(parse(text, env).providers) == ["anthropic", "groq"]
    assert farthing("check", env=env).exit_code == 0


def test_a_file_that_is_there_is_kept(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text("mine")
    done = farthing("init")
    assert done.exit_code == 1
    assert "is there already" in done.output
    assert (folder / "farthing.toml").read_text() == "mine"
    assert farthing("init", "--force").exit_code == 0
    assert (folder / "farthing.toml").read_text() != "mine"


def test_a_folder_that_is_not_there_is_no_traceback(farthing: Callable[..., Result]) -> None:
    done = farthing("init", "nowhere/farthing.toml")
    assert done.exit_code == 1
    assert "cannot be written: no such file" in done.output


def test_every_setting_is_in_the_file() -> None:
    text = template({})
    tables = re.findall(r"^(?:# )?\[+([a-zA-Z._]+)\]+$", text, re.MULTILINE)
    for section, kind in SECTIONS.items():
        for name in kind.__struct_fields__:
            written = re.search(rf"^(# )?(timeouts\.)?{name}(\.connect_s)? =", text, re.MULTILINE)
            assert written or any(f".{name}" in table for table in tables), f"{section}.{name}"


def test_every_line_can_be_uncommented() -> None:
    text = re.sub(r"^# (?=(\[|[a-z_.0-9]+ = ))", "", template({}), flags=re.MULTILINE)
    settings = parse(text, {"OPENAI_API_KEY": "k"})
    assert settings.models["NAME"].model == "gpt-5-mini"
    assert [each.provider for each in settings.models["OTHER"].deployments] == ["openai"]
    assert settings.prices.contracts[0].percent_off == "12.5"
    assert settings.routing.tasks["NAME"].quality_floor == 0.99
    assert settings.routing.templates["NAME"].task == "classification"
    assert settings.routing.features["NAME"].baseline == "gpt-5"
    assert settings.balance.attempts == 4
    assert settings.server.port == 4141


def test_only_tables_that_need_no_name_are_switched_on() -> None:
    settings = parse(template({}), {"OPENAI_API_KEY": "k"})
    assert (settings.models, settings.routing.tasks, settings.cache.features) == ({}, {}, {})
    assert "  as what" not in template({})
