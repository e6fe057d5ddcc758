"""Posting JSON to an address: what webhooks and Slack share. Answers are read no further than needed."""

from collections.abc import Sequence

from farthing.finops.alerts.channels.channel import NotDelivered
from farthing.model.call import Header
from farthing.model.errors import UpstreamError
from farthing.upstream.client import Client, Timeouts

TIMEOUTS = Timeouts(connect=5.0, first_byte=10.0, idle=10.0, total=15.0)
ANSWER_LIMIT = 64 * 1024


async def post(client: Client, url: str, headers: Sequence[Header], body: bytes) -> None:
    """Raises NotDelivered unless the answer is a 2xx."""
    every = [(b"content-type", b"application/json"), (b"user-agent", b"farthing"), *headers]
    try:
        response = await client.send("POST", url, every, body, TIMEOUTS)
        if not 200 <= response.status < 300:
            response.abort()
            raise NotDelivered(f"it answered with HTTP {response.status}")
        await response.read(ANSWER_LIMIT)
    except (TimeoutError, UpstreamError, OSError) as error:
        raise NotDelivered(f"it could not be reached ({type(error).__name__})") from None
