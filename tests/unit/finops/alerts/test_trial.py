"""A test message arrives at a real server, or it is said why not, without the address."""

import logging

import pytest

from farthing.finops.alerts.trial import TEXT, try_channel
from farthing.model.errors import NotFound
from farthing.settings import AlertChannelSettings, AlertSettings, Secret

NOW = 1_790_000_000_000_000


async def test_the_log_takes_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert await try_channel(AlertSettings(), "log", NOW) == ""
    assert TEXT in caplog.text


async def test_what_does_not_arrive_is_said_without_the_address() -> None:
    settings = AlertSettings(
        channels={"ops": AlertChannelSettings(kind="webhook", url=Secret("http://127.0.0.1:9/secret-path"))}
    )
    why = await try_channel(settings, "ops", NOW)
    assert why and "secret-path" not in why


async def test_no_such_channel() -> None:
    with pytest.raises(NotFound, match="There is no channel mail; the settings have: log"):
        await try_channel(AlertSettings(), "mail", NOW)
