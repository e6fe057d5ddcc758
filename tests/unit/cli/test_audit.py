"""`farthing audit`: what the commands changed, by whom."""

import getpass
import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


def test_changes_of_the_commands_are_listed_with_who_made_them(farthing: Callable[..., Result], folder: Path) -> None:
    key = json.loads(farthing("keys", "create", "web", "--role", "viewer", "--json").stdout)
    assert "Nothing was changed." not in farthing("audit").output
    farthing("budgets", "set", "chat", "--amount", "5")
    farthing("budgets", "set", "chat", "--amount", "7")
    farthing("budgets", "raise", "chat", "--amount", "1", "--until", "7d", "--reason", "launch")
    farthing("alerts", "mute", "--rule", "waste", "--for", "2h", "--why", "known")
    farthing("keys", "revoke", key["id"])
    listed = json.loads(farthing("audit", "--json").stdout)
    assert [(each["kind"], each["what"]) for each in listed] == [
        ("key", "revoked"), ("mute", "made"), ("budget", "raised"), ("budget", "changed"), ("budget", "made"), ("key", "made"),
    ]  # fmt: skip
    assert {each["who"] for each in listed} == {pwd.getpwuid(os.getuid()).pw_name}
    shown = farthing("audit").output
    assert "amount: $5.00 -> $7.00" in shown and f"key {key['id']} revoked" in shown
    assert key["secret"] not in shown + json.dumps(listed)
    only = json.loads(farthing("audit", "--kind", "key", "--target", key["id"], "--limit", "1", "--json").stdout)
    assert [each["what"] for each in only] == ["revoked"]
    assert "Nothing was changed." in farthing("audit", "--tenant", "acme").output
    assert farthing("audit", "--kind", "secret").exit_code == 2


def test_the_environment_does_not_choose_the_name(
    farthing: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "mallory")
    assert getpass.getuser() == "mallory"
    farthing("keys", "create", "web")
    assert "mallory" not in farthing("audit").output
