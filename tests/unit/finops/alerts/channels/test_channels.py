"""Channels over real sockets: what arrives, that it is signed, and what happens when it does not arrive."""

import hashlib
import hmac
import json
import logging
from typing import Any

import msgspec
import pytest

from farthing.finops.alerts.channels.apprise import Apprise
from farthing.finops.alerts.channels.making import channels_of
from farthing.finops.alerts.message import message_of
from farthing.settings import AlertChannelSettings, Secret
from farthing.store.alerts import Entry, Standing
from farthing.upstream.http1 import Http1Client
from farthing.upstream.posting import NotDelivered
from unit.upstream.scripted_server import Scripted, read_request, scripted

STANDING = Standing(
    "a1b2", "default", "day_spend", "feature", "agent <!channel>\x1b[2J", "alert", "2026-11-25", "It burns.",
    "91 % of the rise is model big.", ("team core",), 5, 2, 3_000_000_000, since_us=1,
)  # fmt: skip
ENTRY = Entry(7, 1, "default", "a1b2", "raised", "", STANDING)


def taking(state: list[Scripted], status: str = "200 OK") -> Any:
    async def script(reader: Any, writer: Any) -> None:
        while True:
            state[0].requests.append(await read_request(reader))
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok".encode())
            await writer.drain()

    return script


async def sent(kind: str, *, status: str = "200 OK", secret: str = "") -> bytes:
    state: list[Scripted] = []
    client = Http1Client()
    async with scripted(taking(state, status)) as server:
        state.append(server)
        settings = AlertChannelSettings(kind, Secret(server.url), Secret(secret))  # type: ignore[arg-type]
        try:
            await channels_of({"ops": settings}, client)["ops"].send(ENTRY, message_of(ENTRY, "https://gw.example"))
        finally:
            await client.close()
        return server.requests[0]


def split(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


async def test_a_webhook_can_be_told_from_a_forgery() -> None:
    headers, body = split(await sent("webhook", secret="s3cret"))
    time_part, digest_part = headers["x-farthing-signature"].split(",")
    at = time_part.removeprefix("t=")
    wanted = hmac.new(b"s3cret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert digest_part == f"v1={wanted}"
    assert headers["x-farthing-delivery"] == "7"
    told = json.loads(body)
    assert told["alert"]["id"] == "a1b2" and told["alert"]["at_stake_dollars"] == "3.000000000"
    assert told["alert"]["at_stake_nano"] == 3_000_000_000 and told["link"] == "https://gw.example/alerts?alert=a1b2"
    assert b"s3cret" not in body and "\x1b" not in told["title"]


async def test_a_webhook_without_a_secret_is_not_signed() -> None:
    headers, _ = split(await sent("webhook"))
    assert "x-farthing-signature" not in headers


async def test_slack_gets_its_format_and_nobody_is_mentioned() -> None:
    _, body = split(await sent("slack"))
    told = json.loads(body)
    assert told["attachments"][0]["color"] == "#c62828"
    text = told["attachments"][0]["blocks"][0]["text"]["text"]
    assert "&lt;!channel&gt;" in text and "<!channel>" not in body.decode() and "At stake: $3.00." in text
    assert "<https://gw.example/alerts?alert=a1b2|Details>" in text


@pytest.mark.parametrize("status", ["500 Oh no", "404 Not Found", "302 Found"])
async def test_any_other_answer_is_no_delivery(status: str) -> None:
    with pytest.raises(NotDelivered, match=status[:3]):
        await sent("webhook", status=status)


async def test_an_address_where_nobody_listens_is_no_delivery_and_stays_secret() -> None:
    client = Http1Client()
    settings = AlertChannelSettings("slack", Secret("http://127.0.0.1:9/services/T0/SECRET"))
    with pytest.raises(NotDelivered) as failed:
        await channels_of({"ops": settings}, client)["ops"].send(ENTRY, message_of(ENTRY))
    await client.close()
    assert "SECRET" not in str(failed.value)


async def test_the_log_is_the_channel_of_those_who_set_none(caplog: pytest.LogCaptureFixture) -> None:
    client = Http1Client()
    with caplog.at_level(logging.INFO, "farthing.alerts"):
        await channels_of({}, client)["log"].send(ENTRY, message_of(ENTRY))
    await client.close()
    assert "day spend, feature agent" in caplog.text and "\x1b" not in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


class Library:
    """As much of apprise as is used."""

    def __init__(self, *, known: bool = True, takes: bool = True) -> None:
        self.known, self.takes, self.told = known, takes, []  # type: ignore[var-annotated]

    def Apprise(self) -> "Library":
        return self

    def add(self, url: str) -> bool:
        return self.known

    def notify(self, **told: str) -> bool:
        self.told.append(told)
        return self.takes


async def test_apprise_is_asked_once_and_believed() -> None:
    library = Library()
    await Apprise("mailto://x", lambda: library).send(ENTRY, message_of(ENTRY))
    assert library.told[0]["notify_type"] == "failure" and "It burns." in library.told[0]["body"]

    def absent() -> None:
        raise ImportError("apprise")

    for odd in (lambda: Library(known=False), lambda: Library(takes=False), lambda: None, absent):
        with pytest.raises(NotDelivered):
            await Apprise("mailto://x", odd).send(ENTRY, message_of(ENTRY))


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # apprise itself, as it loads
async def test_the_real_apprise_delivers_to_a_real_server() -> None:
    pytest.importorskip("apprise")
    state: list[Scripted] = []
    client = Http1Client()
    async with scripted(taking(state)) as server:
        state.append(server)
        url = server.url.replace("http://", "json://")
        await channels_of({"ops": AlertChannelSettings("apprise", Secret(url))}, client)["ops"].send(
            ENTRY, message_of(ENTRY)
        )
        _, body = split(server.requests[0])
    await client.close()
    assert json.loads(body)["title"].startswith("day spend, feature agent")


def test_what_is_over_says_since_when() -> None:
    standing = msgspec.structs.replace(STANDING, tenant="acme")
    over = message_of(Entry(8, 2, "acme", "a1b2", "resolved", "", standing))
    assert over.title.startswith("Over: day spend") and over.title.endswith("(tenant acme)")
    assert over.severity == "ok" and "1970-01-01 00:00 UTC" in over.lines[0]
