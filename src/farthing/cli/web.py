"""A running gateway's pages, for commands: asked over HTTP, and what goes wrong in words for people."""

import json
import os
import ssl
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click

from farthing.cli.common import printable
from farthing.settings import ServerSettings

TIMEOUT_S = 10.0
LONG_S = 300.0
"""For what is worked out, or is large."""


class Unreachable(click.ClickException):
    """No gateway answers, or it stopped in the middle: the same may work later."""


class Web:
    """Raises ClickException with what the gateway says, Unreachable, UsageError for what is no address."""

    def __init__(self, url: str, key: str, server: ServerSettings) -> None:
        if not url.startswith(("http://", "https://")):
            raise click.UsageError(f"{url!r} is no address: write http://host:port")
        self.url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._trust = ssl.create_default_context() if url.startswith("https://") else None
        if self._trust is not None and server.tls_cert and os.path.exists(server.tls_cert):
            self._trust.load_verify_locations(server.tls_cert)

    def json(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:  # fmt: skip
        """What a page answers. `body` is JSON."""
        data = None if body is None else json.dumps(body).encode()
        said = {**(headers or {}), **({"content-type": "application/json"} if data is not None else {})}
        return self._answered(Request(self.url + path, data, {**self._headers, **said}, method=method), timeout_s)

    def upload(self, path: str, parts: Iterable[bytes], size: int, content_type: str) -> Any:
        """What a page answers to a body of this size that comes in parts."""
        headers = {**self._headers, "content-type": content_type, "content-length": f"{size}"}
        return self._answered(Request(self.url + path, parts, headers, method="POST"), LONG_S)

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of an answer as they come, each whole."""
        try:
            with self._open(Request(self.url + path, headers=self._headers), LONG_S) as answer:
                for line in answer:
                    if not line.endswith(b"\n"):
                        break
                    yield line
                else:
                    return
        except (OSError, HTTPException) as error:
            raise Unreachable(f"the gateway at {self.url} broke off: {_reason(error)}") from None
        raise Unreachable(f"the gateway at {self.url} broke off")

    def _answered(self, request: Request, timeout_s: float) -> Any:
        try:
            with self._open(request, timeout_s) as answer:
                return json.load(answer)
        except ValueError:
            raise click.ClickException(f"what answers at {self.url} is no gateway") from None
        except (OSError, HTTPException) as error:
            raise Unreachable(f"no gateway answers at {self.url}: {_reason(error)}") from None

    def _open(self, request: Request, timeout_s: float) -> Any:
        try:
            return urlopen(request, timeout=timeout_s, context=self._trust)
        except HTTPError as error:
            kind = Unreachable if error.code in (502, 503, 504) else click.ClickException
            raise kind(_said(error)) from None
        except (URLError, OSError, HTTPException) as error:
            raise Unreachable(f"no gateway answers at {self.url}: {_reason(error)}") from None


def address_of(server: ServerSettings) -> str:
    """Where the gateway of these settings listens. Raises UsageError."""
    if not server.port:
        raise click.UsageError(
            "the settings take a free port; say where the gateway listens: --url http://127.0.0.1:PORT"
        )
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    return f"{'https' if server.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{server.port}"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _said(error: HTTPError) -> str:
    """The gateway's own words."""
    try:
        return printable(str(json.load(error)["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered with status {error.code}"
