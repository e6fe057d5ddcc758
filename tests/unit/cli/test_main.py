"""The command itself: help, mistakes, exit codes, and that each command is loaded alone."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from farthing import __version__
from farthing.cli import main as cli_main
from farthing.cli.main import COMMANDS, Place, cli


def test_help_names_every_command(farthing: Callable[..., Result]) -> None:
    shown = farthing("--help").output
    for name, place in COMMANDS.items():
        assert name in shown
        assert place.summary in shown


def test_version(farthing: Callable[..., Result]) -> None:
    assert __version__ in farthing("--version").output


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str, farthing: Callable[..., Result]) -> None:
    done = farthing(name, "--help")
    assert done.exit_code == 0
    assert "Usage: " in done.output


def test_a_misspelt_command_is_guessed(farthing: Callable[..., Result]) -> None:
    done = farthing("reprot")
    assert done.exit_code == 2
    assert "Did you mean report?" in done.output


def test_an_extra_that_is_not_installed_is_named(
    farthing: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "farthing.cli.wanting", None)
    monkeypatch.setitem(COMMANDS, "wanting", Place("wanting", "Wants a package.", extra="import"))
    folder = Path(cli_main.__file__).parent
    monkeypatch.delitem(sys.modules, "farthing.cli.wanting")
    (tmp_path / "wanting.py").write_text("import no_such_package_here\n")
    monkeypatch.setattr(sys.modules["farthing.cli"], "__path__", [str(folder), str(tmp_path)])
    done = farthing("wanting")
    assert done.exit_code == 1
    assert "needs the package no_such_package_here: pip install 'farthing[import]'" in done.output


def test_mistakes_in_the_settings_are_no_traceback(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text("[server]\nprot = 1\n")
    done = farthing("check")
    assert done.exit_code == 2
    assert "farthing.toml:2: server.prot: there is no such setting\n    Did you mean port?" in done.output


def test_finding_a_command_loads_no_other() -> None:
    code = "import sys; from farthing.cli.main import cli; print(*[m for m in sys.modules if m.startswith('farthing.cli.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["farthing.cli.main"]


def test_the_gateway_starts_without_loading_what_it_does_not_need() -> None:
    code = "import sys; import farthing.cli.up; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pydantic", "openai", "anthropic", "yaml", "genai_prices", "farthing.upstream.simulator", "psycopg"}
    assert heavy & set(done.stdout.split()) == set()


def test_every_option_has_help() -> None:
    context = click.Context(cli, info_name="farthing")
    silent = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        group = command.commands.values() if isinstance(command, click.Group) else [command]
        for each in group:
            silent += [
                f"{name} {option.name}"
                for option in each.params
                if isinstance(option, click.Option) and not option.help
            ]
    assert silent == []
