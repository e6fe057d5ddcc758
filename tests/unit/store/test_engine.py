"""What a store URL means, and what is said of one that means nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from farthing.store import StoreError, engine_for


def test_a_path_after_three_slashes_is_relative_after_four_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert engine_for("sqlite:///a/farthing.db").where == f"{tmp_path}/a/farthing.db"
    assert engine_for("sqlite:////var/lib/farthing.db").where == "/var/lib/farthing.db"
    assert engine_for("sqlite:///with%20space.db").where == f"{tmp_path}/with space.db"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("farthing.db", "no scheme"),
        ("", "no scheme"),
        ("mysql://u:hunter2@h/d", "'mysql', which no engine speaks"),
        ("sqlite://farthing.db", "names a host"),
        ("sqlite:///", "does not name a file"),
        ("sqlite:///folder/", "does not name a file"),
        ("sqlite:///a.db?mode=ro", "does not name a file"),
        ("postgresql://user:hunter2@host:port/db", "port"),
        ("postgresql://user:hunter2@host/db?colour=red", "cannot be read"),
        ("hunter2@nowhere", "no scheme"),
    ],
)
def test_a_url_that_means_nothing_is_explained_without_its_password(url: str, said: str) -> None:
    with pytest.raises(StoreError) as caught:
        engine_for(url).connect(0.1)
    assert said in caught.value.message
    assert "hunter2" not in caught.value.message


def test_postgresql_is_named_without_its_password() -> None:
    assert engine_for("postgresql://ana:hunter2@db:5433/ledger").where == "postgresql://ana@db:5433/ledger"


def test_the_driver_of_postgresql_is_needed_only_for_its_urls() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from farthing.store import StoreError, engine_for\n"
        "engine_for('sqlite:///a.db')\n"
        "try: engine_for('postgresql://h/d')\n"
        "except StoreError as error: assert 'farthing[postgres]' in error.message, error\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ)
