"""HTTP as no library would send it: bytes to a socket, and what comes back taken apart by hand."""

import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

PATIENCE_S = 60.0
CHAT = "/v1/chat/completions"
QUESTION = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'


class Said(NamedTuple):
    """One answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes:
        return next((value for found, value in self.headers if found == name), b"")


class Line:
    """One connection."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        assert where.hostname is not None
        self.socket = socket.create_connection((where.hostname, where.port or 80), PATIENCE_S)
        self._got = b""
        self.closed = False

    def send(self, data: bytes) -> bool:
        """False if the other side has closed the connection."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, TimeoutError):
            return False
        return True

    def drip(self, parts: Iterable[bytes], pause_s: float) -> float:
        """Send part by part until the other side has had enough; how many seconds that took."""
        started = time.monotonic()
        for part in parts:
            if not self.send(part) or self.is_closed(pause_s):
                break
        return time.monotonic() - started

    def is_closed(self, within_s: float) -> bool:
        """Whether the other side closes within this time; what it says meanwhile is kept."""
        until = time.monotonic() + within_s
        while not self.closed and (left := until - time.monotonic()) > 0:
            self._read(left)
        return self.closed

    def begins(self, within_s: float = PATIENCE_S) -> bool:
        """Whether an answer begins to come."""
        until = time.monotonic() + within_s
        while not self._got and not self.closed and (left := until - time.monotonic()) > 0:
            self._read(left)
        return bool(self._got)

    def answer(self, within_s: float = PATIENCE_S) -> Said | None:
        """The next answer; None if the connection closes without one. An interim answer is one too."""
        until = time.monotonic() + within_s
        while (said := self._taken()) is None:
            left = until - time.monotonic()
            if self.closed or left <= 0:
                assert self.closed, f"no answer within {within_s} s, only {self._got[:200]!r}"
                return None
            self._read(left)
        return said

    def rest(self, within_s: float = PATIENCE_S) -> bytes:
        """All that comes until the other side closes."""
        assert self.is_closed(within_s), f"the connection stays open; it said {self._got[:200]!r}"
        return self._got

    def close(self) -> None:
        with suppress(OSError):
            self.socket.close()

    def _read(self, within_s: float) -> None:
        self.socket.settimeout(max(0.001, within_s))
        try:
            data = self.socket.recv(1 << 20)
        except TimeoutError:
            return
        except ConnectionError:
            data = b""
        finally:
            self.socket.settimeout(PATIENCE_S)
        self.closed = not data
        self._got += data

    def _taken(self) -> Said | None:
        head, end, rest = self._got.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.split(b"\r\n")
        status = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [ -~]*", first)
        assert status, f"no status line: {first!r}"
        headers = [_header(line) for line in lines]
        length = next((int(value) for name, value in headers if name == b"content-length"), None)
        if int(status[1]) < 200 or int(status[1]) in (204, 304):
            length = 0
        if (b"transfer-encoding", b"chunked") in headers:
            body, rest = _dechunked(rest)
            if body is None:
                return None
        elif length is None or len(rest) < length:
            return None
        else:
            body, rest = rest[:length], rest[length:]
        self._got = rest
        return Said(int(status[1]), headers, body)


@contextmanager
def line(url: str) -> Iterator[Line]:
    made = Line(url)
    try:
        yield made
    finally:
        made.close()


def request(
    body: bytes = QUESTION, *, method: str = "POST", path: str = CHAT, length: bool = True, **headers: str
) -> bytes:  # fmt: skip
    """A request as it should be; header names may have _ for -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"host": "localhost", "content-type": "application/json"} | given
    if length:
        named["content-length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def _header(text: bytes) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(b": ")
    assert colon and re.fullmatch(rb"[a-z0-9-]+", name), f"no header: {text!r}"
    assert re.fullmatch(rb"[\x20-\x7e\x80-\xff\t]*", value), f"a header's value: {text!r}"
    return name, value


def _dechunked(data: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while True:
        size, end, data = data.partition(b"\r\n")
        if not end or len(data) < int(size, 16) + 2:
            return None, b""
        count = int(size, 16)
        part, data = data[:count], data[count + 2 :]
        if not count:
            return body, data
        body += part
