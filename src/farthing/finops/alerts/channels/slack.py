"""Slack's incoming webhooks, whose format Mattermost, Discord (`/slack`) and others read too."""

import msgspec

from farthing.finops.alerts.message import Message
from farthing.store.alerts import Entry
from farthing.upstream.client import Client
from farthing.upstream.posting import post

COLOURS = {"alert": "#c62828", "warn": "#ef6c00", "no-data": "#546e7a", "ok": "#2e7d32"}


class Slack:
    """See the module."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    async def send(self, entry: Entry, message: Message) -> None:
        await post(self._client, self._url, (), msgspec.json.encode(payload(message)))


def payload(message: Message) -> dict[str, object]:
    text = "\n".join(map(escaped, message.lines))
    if message.link:
        text += f"\n<{message.link}|Details>"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{escaped(message.title)}*\n{text}"}}
    return {
        "text": escaped(message.title),
        "attachments": [{"color": COLOURS.get(message.severity, "#546e7a"), "blocks": [section]}],
    }


def escaped(text: str) -> str:
    """Names cannot mention anybody (`<!channel>`), be links, or turn into bold."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\u200b{char}" if char in "*_~`" else char for char in text)
