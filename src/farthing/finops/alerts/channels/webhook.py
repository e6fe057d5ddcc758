"""A webhook: the alert as JSON, signed (`upstream.posting`). The delivery's id is the same for each try: a receiver can drop what
it has."""

import time
from collections.abc import Callable

import msgspec

from farthing.finops.alerts.message import Message
from farthing.model.call import Header
from farthing.model.money import exact_dollars
from farthing.store.alerts import Entry
from farthing.upstream.client import Client
from farthing.upstream.posting import SIGNATURE, post, signature


class Webhook:
    """See the module. Without a secret messages are not signed."""

    def __init__(self, client: Client, url: str, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._url = url
        self._secret = secret.encode()
        self._clock = clock

    async def send(self, entry: Entry, message: Message) -> None:
        body = msgspec.json.encode(payload(entry, message))
        headers: list[Header] = [(b"x-farthing-delivery", f"{entry.no}".encode())]
        if self._secret:
            headers.append((SIGNATURE, signature(self._secret, int(self._clock()), body).encode()))
        await post(self._client, self._url, headers, body)


def payload(entry: Entry, message: Message) -> dict[str, object]:
    """What is sent. Amounts are nano-dollars, and dollars as text."""
    standing = entry.standing
    amounts = {"value": standing.value, "usual": standing.usual, "at_stake": standing.at_stake}
    return {
        "delivery": entry.no,
        "what": entry.what,
        "at_us": entry.at_us,
        "title": message.title,
        "text": "\n".join(message.lines),
        "link": message.link,
        "alert": {
            "id": standing.id,
            "tenant": standing.tenant,
            "rule": standing.rule,
            "scope": {"kind": standing.scope_kind, "name": standing.scope},
            "state": message.severity,
            "period": standing.period,
            "since_us": standing.since_us,
            "cause": standing.cause,
            "also": standing.also,
            "count": standing.count,
            **{f"{name}_nano": amount for name, amount in amounts.items()},
            **{f"{name}_dollars": exact_dollars(amount) for name, amount in amounts.items()},
        },
    }
