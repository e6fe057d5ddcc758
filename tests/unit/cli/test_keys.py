"""`farthing keys`: made, listed, revoked, rotated; a secret is shown once and stored nowhere."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.principal import Key
from farthing.store import Store, hash_of, open_store
from stores import ready


def stored(folder: Path) -> list[Key]:
    async def read() -> list[Key]:
        store: Store = await open_store(ready(folder))
        try:
            return await store.keys()
        finally:
            await store.close()

    return asyncio.run(read())


def test_a_key_is_made_with_all_that_was_said(farthing: Callable[..., Result], folder: Path) -> None:
    done = farthing(
        "keys", "create", "support", "--team", "blue", "--feature", "chat", "--tag", "cost-centre=7", "--pin", "team",
        "--tenant", "acme", "--model", "gpt-*", "--model", "claude-*", "--rpm", "60", "--tpm", "100000",
        "--expires", "2999-01-31", "--admin",
    )  # fmt: skip
    assert done.exit_code == 0
    secret = done.stdout.strip()
    assert secret.startswith("fk-")
    (key,) = stored(folder)
    assert key.hash == hash_of(secret)
    assert (key.name, key.tenant, key.pinned, key.models) == ("support", "acme", ("team",), ("gpt-*", "claude-*"))
    assert key.tags == {"team": "blue", "feature": "chat", "cost-centre": "7"}
    assert (key.requests_per_minute, key.tokens_per_minute, key.role) == (60, 100_000, "admin")
    assert key.expires_us == 32_474_822_400_000_000  # the end of that day
    secret_part = secret.encode()
    assert all(secret_part not in file.read_bytes() for file in folder.iterdir() if file.is_file())


@pytest.mark.parametrize(
    ("arguments", "substitute", "shown"),
    [
        ((), None, "default"),
        (("--substitute",), True, "substitutes"),
        (("--no-substitute", "--region", "eu"), False, "as asked, in eu"),
    ],
)
def test_a_key_says_whether_its_models_may_be_substituted_and_where_it_is_served(
    arguments: tuple[str, ...], substitute: bool | None, shown: str, farthing: Callable[..., Result], folder: Path
) -> None:
    assert farthing("keys", "create", "a", *arguments).exit_code == 0
    (key,) = stored(folder)
    assert key.substitute is substitute and key.region == ("eu" if "--region" in arguments else "")
    assert shown in farthing("keys", "list").output
    assert json.loads(farthing("keys", "list", "--json").stdout)[0]["substitute"] is substitute


@pytest.mark.parametrize(
    ("arguments", "role", "shown"),
    [((), "", "own"), (("--role", "own"), "", "own"), (("--role", "viewer"), "viewer", "viewer"),
     (("--role", "editor"), "editor", "editor"), (("--role", "admin"), "admin", "admin"), (("--admin",), "admin", "admin")],
)  # fmt: skip
def test_a_key_has_a_role(
    arguments: tuple[str, ...], role: str, shown: str, farthing: Callable[..., Result], folder: Path
) -> None:
    assert farthing("keys", "create", "a", *arguments).exit_code == 0
    assert [key.role for key in stored(folder)] == [role]
    assert f" {shown} " in farthing("keys", "list").output
    assert json.loads(farthing("keys", "list", "--json").stdout)[0]["role"] == role


def test_pin_all_pins_every_tag(farthing: Callable[..., Result], folder: Path) -> None:
    farthing("keys", "create", "a", "--team", "blue", "--tag", "x=1", "--pin", "all")
    assert set(stored(folder)[0].pinned) == {"team", "x"}


def test_keys_are_listed_without_secrets(farthing: Callable[..., Result], folder: Path) -> None:
    assert "There are no keys" in farthing("keys", "list").output
    made = json.loads(farthing("keys", "create", "[bold]odd[/bold]", "--json", "--rpm", "5").stdout)
    shown = farthing("keys", "list").output
    assert made["id"] in shown
    assert "[bold]odd[/bold]" in shown
    assert "5 rpm" in shown
    listed = json.loads(farthing("keys", "list", "--json").stdout)[0]
    assert listed["state"] == "valid"
    assert "hash" not in listed
    assert made["secret"] not in shown


def test_a_key_is_revoked_once(farthing: Callable[..., Result], folder: Path) -> None:
    key_id = json.loads(farthing("keys", "create", "a", "--json").stdout)["id"]
    assert farthing("keys", "revoke", key_id).exit_code == 0
    assert stored(folder)[0].revoked_us > 0
    assert "revoked" in farthing("keys", "list").output
    again = farthing("keys", "revoke", key_id)
    assert again.exit_code == 1
    assert f"there is no valid key {key_id}" in again.output


def test_a_key_is_rotated(farthing: Callable[..., Result], folder: Path) -> None:
    made = json.loads(farthing("keys", "create", "a", "--team", "t", "--json").stdout)
    done = farthing("keys", "rotate", made["id"], "--grace", "60")
    assert "works for 60 s more" in done.stderr
    (key,) = stored(folder)
    assert key.hash == hash_of(done.stdout.strip()) != hash_of(made["secret"])
    assert key.tags == {"team": "t"}
    assert farthing("keys", "rotate", "key-none").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--expires", "2020-01-01"), "is over"),
        (("--expires", "soon"), "is no time"),
        (("--expires", "99999999999999d"), "is no time"),
        (("--tag", "novalue"), "is not NAME=VALUE"),
        (("--tag", "a=b\nc"), "is not NAME=VALUE"),
        (("--rpm", "0"), "range"),
        (("--model", ""), "not empty"),
        (("--role", "chief"), "viewer"),
        (("--role", "viewer", "--admin"), "say one of the two"),
    ],
)
def test_mistakes_are_explained(arguments: tuple[str, ...], said: str, farthing: Callable[..., Result]) -> None:
    done = farthing("keys", "create", "a", *arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_missing_keys_of_providers_are_no_matter(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text(
        '[providers.openai]\napi_key = "env:NOT_IN_THIS_SHELL"\n[store]\nurl = "sqlite:///other.db"\n'
    )
    assert farthing("keys", "create", "a").exit_code == 0
    with sqlite3.connect(folder / "other.db") as database:
        assert database.execute("SELECT count(*) FROM keys").fetchone() == (1,)
    database.close()
