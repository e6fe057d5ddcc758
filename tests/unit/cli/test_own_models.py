"""What the commands that make own models share."""

import errno
from pathlib import Path

import click
import pytest

from farthing.cli.own_models import use_of, written
from farthing.selfhost.serving import Served


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/models/x"), "/models/x: No space left on device"),
        (OSError("odd"), "out: odd"),
    ],
)
def test_a_full_disk_is_said_plainly(error: OSError, said: str) -> None:
    with pytest.raises(click.ClickException) as raised, written(Path("out")):
        raise error
    assert raised.value.message == f"{said}; what is done is kept, the same command goes on"


def test_names_are_quoted_where_settings_need_it() -> None:
    use = use_of(Served("llama.cpp", "own/a model", "a-q8", "/m/a.gguf", on_cpu=True), Path("/m/README.md"))
    assert '[[models."own/a model".deployments]]' in use.settings and 'kind = "llamacpp"' in use.settings
    assert use.command == "llama-server --model /m/a.gguf --alias a-q8 --port 8080" and use.card == "/m/README.md"
