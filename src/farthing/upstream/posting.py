"""Posting JSON to somebody's address, signed with HMAC-SHA256 over the time and the body, so that a receiver can tell that it
is ours and not old. Answers are read no further than needed.

    x-farthing-signature: t=1764090000,v1=<hex of HMAC-SHA256(secret, "1764090000." + body)>

Knows nothing of what is told.
"""

import hashlib
import hmac
from collections.abc import Sequence

from farthing.model.call import Header
from farthing.model.errors import UpstreamError
from farthing.upstream.client import Client, Timeouts

SIGNATURE = b"x-farthing-signature"
TIMEOUTS = Timeouts(connect=5.0, first_byte=10.0, idle=10.0, total=15.0)
ANSWER_LIMIT = 64 * 1024


class NotDelivered(Exception):
    """Why nobody got it: what happened, without an address."""


def signature(secret: bytes, at_s: int, body: bytes) -> str:
    """The header's value."""
    digest = hmac.new(secret, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


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
