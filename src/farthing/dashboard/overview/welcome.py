"""What stands in place of figures before the first call: how to point a client here."""

from typing import NamedTuple

from farthing.settings import ServerSettings

EVERYWHERE = ("0.0.0.0", "::", "")
"""Names of all addresses, which nobody can call."""


class Welcome(NamedTuple):
    openai: str
    """The base URL for OpenAI clients."""
    anthropic: str
    example: str
    """A call for a terminal."""
    needs_key: bool


def welcome(server: ServerSettings, needs_key: bool) -> Welcome:
    host = server.host if server.host not in EVERYWHERE else "YOUR-HOST"
    host = f"[{host}]" if ":" in host else host
    base = f"{'https' if server.tls_cert else 'http'}://{host}:{server.port}"
    key = "\n  -H 'authorization: Bearer YOUR-FARTHING-KEY' \\" if needs_key else ""
    example = (
        f"curl {base}/v1/chat/completions \\{key}\n"
        "  -H 'content-type: application/json' -H 'x-farthing-feature: greeting' \\\n"
        """  -d '{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Say hello."}]}'"""
    )
    return Welcome(f"{base}/v1", base, example, needs_key)
