"""`farthing dashboard link`: an address that signs in once, as the key that may most, or as the one that was named."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result


def test_without_keys_it_is_the_address_of_the_pages(farthing: Callable[..., Result]) -> None:
    done = farthing("dashboard", "link")
    assert (done.exit_code, done.stdout) == (0, "http://127.0.0.1:4141/\n") and "no keys" in done.stderr


def test_it_signs_in_as_who_may_most(farthing: Callable[..., Result]) -> None:
    for name, role in (("reader", "viewer"), ("chief", "admin"), ("bot", "own")):
        farthing("keys", "create", name, "--role", role)
    farthing("keys", "create", "their chief", "--role", "admin", "--tenant", "b")
    done = farthing("dashboard", "link", "--url", "https://ai.example.com/")
    assert done.stdout.startswith("https://ai.example.com/sign-in/link?pass=") and "as chief (key-" in done.stderr
    keys = json.loads(farthing("keys", "list", "--json").stdout)
    bot = next(key["id"] for key in keys if key["name"] == "bot")
    assert json.loads(farthing("dashboard", "link", "--key", bot, "--json").stdout)["key"] == bot


def test_a_key_that_opens_nothing_signs_nobody_in(farthing: Callable[..., Result]) -> None:
    farthing("keys", "create", "old", "--role", "admin")
    key = json.loads(farthing("keys", "list", "--json").stdout)[0]["id"]
    farthing("keys", "revoke", key)
    for arguments in ((), ("--key", key), ("--key", "key-none")):
        done = farthing("dashboard", "link", *arguments)
        assert done.exit_code == 1 and "there is no valid key" in done.stderr


def test_where_the_pages_are_must_be_known(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text("[server]\nport = 0\n")
    done = farthing("dashboard", "link")
    assert done.exit_code == 2 and "--url" in done.stderr
    assert farthing("dashboard", "link", "--url", "http://127.0.0.1:5000").stdout == "http://127.0.0.1:5000/\n"


def test_the_settings_say_where(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text('[server]\nhost = "::"\nport = 4200\n')
    assert farthing("dashboard", "link").stdout == "http://[::1]:4200/\n"
    (folder / "farthing.toml").write_text('[dashboard]\nurl = "https://ai.example.com"\n')
    assert farthing("dashboard", "link").stdout == "https://ai.example.com/\n"
