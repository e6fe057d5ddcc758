"""Requests as attackers send them, byte by byte: each gets a clear answer or a closed connection, in time."""

import time
from contextlib import ExitStack

import pytest

from hostile.raw import CHAT, QUESTION, chunked, line, request
from integration.gateways import Gateway, eventually

REFUSED = (400, 403, 404, 405, 408, 413, 414, 431, 501, 505)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a port without
        b"\x00" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx\x1b[31m: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n folded: a\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n",
        b"FROB / HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ],
)
def test_what_is_no_request(gate: Gateway, sent: bytes) -> None:
    with line(gate.url) as client:
        client.send(sent)
        said = client.answer()
        assert said is None or said.status in REFUSED


@pytest.mark.parametrize(
    "framing",
    [
        b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"content-length: -1\r\n\r\n",
        b"content-length: 1e3\r\n\r\n",
        b"content-length: +5\r\n\r\nabcde",
        b"content-length: 99999999999999999999999999\r\n\r\n",
        b"content-length: " + b"9" * 5000 + b"\r\n\r\n",
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc",
        b"transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n5;x=\x00\r\nabcde\r\n0\r\n\r\n",
    ],
)
def test_lies_about_where_a_body_ends(gate: Gateway, framing: bytes) -> None:
    with line(gate.url) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n" + framing)
        said = client.answer()
        assert said is None or said.status in REFUSED
        if said is not None:
            client.send(request(method="GET", path="/health/live"))
            assert client.is_closed(60), "whoever lies about framing must not be listened to any longer"


def test_chunks_are_as_good_as_a_length(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(
            request(
                chunked(*(QUESTION[at : at + 1] for at in range(len(QUESTION)))),
                length=False,
                transfer_encoding="chunked",
            )
        )
        said = client.answer()
        assert said is not None and said.status == 200


def test_trailers_are_not_headers(gate: Gateway) -> None:
    with line(gate.url) as client:
        body = chunked(QUESTION)[:-2] + b"x-farthing-team: smuggled\r\n\r\n"
        client.send(request(body, length=False, transfer_encoding="chunked"))
        said = client.answer()
        assert said is not None and said.status == 200
    assert gate.call(said.header(b"x-farthing-call-id").decode())["team"] == ""


def test_trailers_without_end(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(chunked(QUESTION)[:-2], length=False, transfer_encoding="chunked"))
        seconds = client.drip((b"x: %b\r\n" % (b"y" * 65536) for _ in range(10_000)), 0.0)
        assert client.is_closed(60) and seconds < 60


def test_a_chunk_extension_without_end(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(b"5;", length=False, transfer_encoding="chunked"))
        seconds = client.drip((b"y" * 65536 for _ in range(100_000)), 0.0)
        assert client.is_closed(60) and seconds < 60


@pytest.mark.parametrize("endless", [b"x: y\r\n", b"x" * 1000, b"\r\n"])
def test_a_head_without_end(gate: Gateway, endless: bytes) -> None:
    with line(gate.url) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\n" if endless != b"\r\n" else b"")
        seconds = client.drip((endless * 1000 for _ in range(10_000)), 0.0)
        assert client.is_closed(60) and seconds < 60


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_head_that_drips(gate: Gateway, method: str) -> None:
    with line(gate.url) as client:
        sent = request(method=method, path="/health/live", x="y" * 1200)
        assert client.drip((sent[at : at + 1] for at in range(len(sent))), 0.1) < 60, "it still listens"


def test_empty_lines_do_not_hold_a_connection(gate: Gateway) -> None:
    """A connection that was served once must not live on empty lines, which are no request yet."""
    with line(gate.url) as client:
        client.send(request())
        assert client.answer() is not None
        assert client.drip((b"\r\n" for _ in range(1200)), 0.1) < 60


@pytest.mark.parametrize(
    ("path", "more"),
    [(CHAT, b" "), (CHAT, b""), ("/v1/messages", b" "), ("/v1/farthing/keys", b" "), ("/v1/farthing/keys", b""),
     ("/health/live", b" "), ("/nothing", b"")],
)  # fmt: skip
def test_a_body_that_drips(gate: Gateway, path: str, more: bytes) -> None:
    with line(gate.url) as client:
        client.send(request(b"", path=path, length=False, content_length="1000"))
        seconds = client.drip((more for _ in range(1200)), 0.1)
        assert seconds < 60, "it still listens"
        said = client.answer()
        assert said is None or said.status in REFUSED


def test_a_late_body_is_told_so(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(b"", length=False, content_length="1000") + b"{")
        said = client.answer()
        assert said is not None and said.status == 408
        assert said.header(b"x-should-retry") == b"true"


@pytest.mark.parametrize("path", [CHAT, "/v1/farthing/keys", "/nothing"])
def test_a_hundred_megabytes(gate: Gateway, path: str) -> None:
    with line(gate.url) as client:
        client.send(request(b"", path=path, length=False, content_length=str(100 * 2**20)))
        for _ in range(1600):
            if not client.send(b" " * 65536):
                break
        said = client.answer()
        assert said is not None and said.status == (404 if path == "/nothing" else 413)


@pytest.mark.parametrize("path", [CHAT, "/v1/farthing/keys"])
def test_a_hundred_megabytes_in_chunks(gate: Gateway, path: str) -> None:
    with line(gate.url) as client:
        client.send(request(b"", path=path, length=False, transfer_encoding="chunked"))
        for _ in range(1600):
            if not client.send(b"10000\r\n" + b" " * 65536 + b"\r\n"):
                break
        said = client.answer()
        assert said is not None and said.status == 413


def test_a_body_without_end_is_not_swallowed_for_ever(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(b"", length=False, transfer_encoding="chunked"))
        started = time.monotonic()
        while client.send(b"10000\r\n" + b" " * 65536 + b"\r\n"):
            assert time.monotonic() - started < 60, "it reads on long after it has refused"


def test_a_client_that_waits_to_be_asked(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(b"", length=False, content_length=str(len(QUESTION)), expect="100-continue"))
        said = client.answer()
        assert said is not None and said.status == 100
        client.send(QUESTION)
        said = client.answer()
        assert said is not None and said.status == 200
        client.send(request(b"", length=False, content_length="104857600", expect="100-continue"))
        said = client.answer()
        assert said is not None and said.status == 413


def test_a_thousand_requests_in_one_breath(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(b"", method="GET", path="/health/live") * 1000)
        for _ in range(1000):
            said = client.answer()
            assert said is not None and said.status == 200
    with line(gate.url) as client:
        client.send(request(b"{}") * 300 + request())
        statuses = [said.status for _ in range(301) if (said := client.answer()) is not None]
        assert statuses == [400] * 300 + [200]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "GET"])
@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/farthing/keys", "/health/live", "/metrics", "*", "/"])
def test_other_methods(gate: Gateway, method: str, path: str) -> None:
    with line(gate.url) as client:
        client.send(request(b"", method=method, path=path, connection="close"))
        status = int(client.rest().split(b" ", 2)[1])
        assert status in (200, 400, 404, 405)


def test_a_client_of_the_last_century(gate: Gateway) -> None:
    with line(gate.url) as client:
        head = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(QUESTION)
        client.send(head + QUESTION)
        assert b" 200 " in client.rest()
    with line(gate.url) as client:
        body = QUESTION[:-1] + b',"stream":true}'
        client.send(b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert b"[DONE]" in client.rest()


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost/v1/models", "http://evil.example/v1/models", "/v1/../v1/models", "/v1/models/%00",
        "/v1/models/../../etc/passwd", "/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "//v1/models", "/v1/models/%ff%fe",
        "/v1/models?limit=" + "9" * 5000, "/v1/models?after_id=%00%1b[31m", "/v1/farthing/calls/%00",
        "/v1/farthing/calls/%f0%9f%92%a9", "/v1/farthing/calls/" + "a" * 5000, "/v1/farthing/report?by=%00",
        "/v1/farthing/report?since_us=" + "9" * 30, "/v1/farthing/report?since_us=-1&until_us=1e9",
        "/v1/farthing/keys/%00/revoke", "/;/../", "/%", "/%zz", "/\\..\\..\\x", "/?" + "&".join(["a=b"] * 5000),
        "/v1/chat/completions/", "/v1/chat%2fcompletions", "/V1/CHAT/COMPLETIONS", "/health/live#x",
    ],
)  # fmt: skip
def test_targets(gate: Gateway, target: str) -> None:
    for method in ("GET", "POST"):
        with line(gate.url) as client:
            client.send(request(b"{}" if method == "POST" else b"", method=method, path=target))
            said = client.answer()
            assert said is not None and said.status in (200, *REFUSED)
            assert b"root:" not in said.body and b"evil.example" not in said.body


@pytest.mark.parametrize(
    "headers",
    [
        {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_key": "x3JJHMbDL1EzLkh9GBhXDw==",
         "sec_websocket_version": "13"},
        {"upgrade": "h2c", "connection": "Upgrade, HTTP2-Settings", "http2_settings": "AAMAAABkAARAAAAAAAIAAAAA"},
        {"connection": "content-length, host"},
        {"te": "trailers, deflate", "trailer": "authorization"},
        {"x_forwarded_for": "127.0.0.1", "forwarded": "for=127.0.0.1"},
        {"x_http_method_override": "DELETE"},
    ],
)  # fmt: skip
def test_headers_that_change_the_subject(gate: Gateway, headers: dict[str, str]) -> None:
    with line(gate.url) as client:
        client.send(request(**headers))
        said = client.answer()
        assert said is not None and said.status == 200
    with line(gate.url) as client:
        client.send(request(b"", method="GET", path="/health/live", **headers))
        said = client.answer()
        assert said is not None and said.status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "GZIP", "x"])
def test_a_compressed_body_is_refused_unread(gate: Gateway, encoding: str) -> None:
    with line(gate.url) as client:
        client.send(request(b"\x1f\x8b\x08" + b"\x00" * 1000, content_encoding=encoding))
        said = client.answer()
        assert said is not None and said.status == 400


def test_identity_is_no_compression(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request(content_encoding="Identity"))
        said = client.answer()
        assert said is not None and said.status == 200


def test_more_connections_than_there_may_be(gate: Gateway) -> None:
    """On a busy machine the first of them may be closed, for it says nothing, before the last of them is there."""

    def refused() -> bool:
        with ExitStack() as stack:
            first, *_, last = [stack.enter_context(line(gate.url)) for _ in range(451)]
            first.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n")
            last.send(request())
            said = last.answer()
            return said is not None and said.status == 503

    eventually(refused, "one too many is refused")


def test_a_client_that_closes_its_half_gets_its_answer_or_is_gone(gate: Gateway) -> None:
    with line(gate.url) as client:
        client.send(request())
        client.socket.shutdown(1)
        client.rest()
