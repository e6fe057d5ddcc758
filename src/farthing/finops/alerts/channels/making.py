"""Settings -> channels. apprise is an extra, and slow to import: only who names it pays for it."""

import importlib
from collections.abc import Mapping

from farthing.finops.alerts.channels.apprise import Apprise
from farthing.finops.alerts.channels.channel import Channel, NotDelivered
from farthing.finops.alerts.channels.log import LogChannel
from farthing.finops.alerts.channels.slack import Slack
from farthing.finops.alerts.channels.webhook import Webhook
from farthing.finops.alerts.message import Message
from farthing.finops.alerts.recipients import LOG
from farthing.settings import AlertChannelSettings
from farthing.store.alerts import Entry
from farthing.upstream.client import Client


class Missing:
    """A channel whose library is not installed: its messages wait, and its state says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def send(self, entry: Entry, message: Message) -> None:
        raise NotDelivered(self._why)


def channels_of(settings: Mapping[str, AlertChannelSettings], client: Client) -> dict[str, Channel]:
    """By name; without any there is the log."""
    if not settings:
        return {LOG: LogChannel()}
    return {name: _made(each, client) for name, each in settings.items()}


def _made(settings: AlertChannelSettings, client: Client) -> Channel:
    url = settings.url.reveal()
    if settings.kind == "webhook":
        return Webhook(client, url, settings.secret.reveal())
    if settings.kind == "slack":
        return Slack(client, url)
    if settings.kind == "apprise":
        try:
            return Apprise(importlib.import_module("apprise"), url)
        except ImportError:
            return Missing("it needs the package apprise: pip install 'farthing[alerts]'")
    return LogChannel()
