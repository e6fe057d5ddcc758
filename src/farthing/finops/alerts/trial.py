"""A test message to one channel, so that somebody sees whether it works before it matters."""

import time

from farthing.finops.alerts.channels.making import channels_of
from farthing.finops.alerts.message import message_of
from farthing.model.errors import NotFound
from farthing.settings import AlertSettings
from farthing.store.alerts import Entry, Standing
from farthing.upstream.http1 import Http1Client
from farthing.upstream.posting import NotDelivered

TEXT = "This is a test of Farthing's alerts. Nothing is wrong."


async def try_channel(settings: AlertSettings, name: str, now_us: int) -> str:
    """Send it now; empty, or why it was not delivered. Raises NotFound where the settings have no such channel."""
    client = Http1Client()
    try:
        channels = channels_of(settings.channels, client)
        if name not in channels:
            raise NotFound(f"There is no channel {name}; the settings have: {', '.join(channels)}")
        standing = Standing(
            "test", "default", "day_spend", "feature", "example", "warn",
            period=time.strftime("%Y-%m-%d", time.gmtime(now_us / 1e6)), text=TEXT, since_us=now_us, changed_us=now_us,
        )  # fmt: skip
        entry = Entry(0, now_us, "default", "test", "test", "", standing)
        await channels[name].send(entry, message_of(entry, settings.link))
    except NotDelivered as why:
        return str(why)
    finally:
        await client.close()
    return ""
