"""Settings -> channels."""

from collections.abc import Mapping

from farthing.finops.alerts.channels.apprise import Apprise
from farthing.finops.alerts.channels.channel import Channel
from farthing.finops.alerts.channels.log import LogChannel
from farthing.finops.alerts.channels.slack import Slack
from farthing.finops.alerts.channels.webhook import Webhook
from farthing.finops.alerts.recipients import LOG
from farthing.settings import AlertChannelSettings
from farthing.upstream.client import Client


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
        return Apprise(url)
    return LogChannel()
