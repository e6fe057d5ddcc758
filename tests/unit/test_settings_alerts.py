"""The settings of alerts: defaults that are stated, and mistakes that are said with their cure."""

import pytest

from farthing.settings import AlertSettings, SettingsError, parse

KEYS = {"OPENAI_API_KEY": "x", "HOOK": "https://hooks.example/SECRET"}


def mistakes(text: str) -> str:
    with pytest.raises(SettingsError) as wrong:
        parse(text, KEYS)
    return str(wrong.value)


def test_nothing_said_is_everything_on_and_the_log_is_told() -> None:
    alerts = parse("", KEYS).alerts
    assert alerts == AlertSettings() and alerts.on and alerts.channels == {} and alerts.sensitivity == "normal"


def test_a_channel_and_a_rule() -> None:
    text = """
    [alerts]
    sensitivity = "high"
    [alerts.channels.ops]
    kind = "slack"
    url = "env:HOOK"
    least = "alert"
    [alerts.rules.single_call]
    dollars = 2.5
    channels = ["ops"]
    """
    alerts = parse(text, KEYS).alerts
    assert alerts.channels["ops"].url.reveal() == "https://hooks.example/SECRET"
    assert alerts.rules["single_call"].dollars == "2.5" and "SECRET" not in repr(alerts)


def test_mistakes_are_said() -> None:
    assert "there is no rule 'day_spent'" in mistakes("[alerts.rules.day_spent]\non = false")
    assert "Did you mean day_spend?" in mistakes("[alerts.rules.day_spent]\non = false")
    assert "the rule day_spend has no such threshold" in mistakes("[alerts.rules.day_spend]\npercent = 3")
    assert "there is no channel 'op'" in mistakes(
        '[alerts.rules.day_spend]\nchannels = ["op"]\n[alerts.channels.ops]\nkind = "log"'
    )
    assert "is missing" in mistakes('[alerts.channels.ops]\nkind = "webhook"')
    odd = mistakes('[alerts.channels.ops]\nkind = "webhook"\nurl = "ftp://SECRET"')
    assert "is not an http or https address" in odd and "SECRET" not in odd
    assert "there is no rule 'x'" in mistakes('[alerts.channels.ops]\nkind = "log"\nrules = ["x"]')


def test_a_digest_needs_a_zone_and_channels_that_there_are() -> None:
    settings = parse('[alerts.digest]\nweekday = "friday"\nhour = 16\nzone = "Europe/Berlin"\n', KEYS)
    assert (settings.alerts.digest.weekday, settings.alerts.digest.hour) == ("friday", 16)
    for wrong in (
        'zone = "Mars/Olympus"',
        'zone = "../etc/passwd"',
        'channels = ["nowhere"]',
        "hour = 24",
        'weekday = "x"',
    ):
        assert f"alerts.digest.{wrong.partition(' ')[0]}" in mistakes(f"[alerts.digest]\n{wrong}\n")
