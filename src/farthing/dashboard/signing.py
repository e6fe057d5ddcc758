"""What a browser keeps for us, and brings back as we gave it: signed, with a time after which it says nothing any more.
Whoever has it can read it, so no secret is put in. Knows nothing of what is signed."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

SECRET = "pages"
"""Name of the store's secret that signs."""
SECOND_US = 1_000_000


class Signer:
    """Signs with a secret. `kind` keeps things apart: what was signed as one kind is nothing as another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def sign(self, kind: str, value: Mapping[str, Any], now_us: int) -> str:
        """Letters, digits, `-`, `_` and `.` only."""
        return str(self._serializer(kind).dumps({**value, "at": now_us}))

    def read(self, kind: str, text: str, now_us: int, max_age_s: float) -> dict[str, Any] | None:
        """What was signed; None for what we did not sign as this kind, or signed too long ago, or in the future."""
        try:
            value = self._serializer(kind).loads(text)
        except (BadData, ValueError):
            return None
        age_us = now_us - value["at"]
        return value if -60 * SECOND_US <= age_us <= max_age_s * SECOND_US else None

    def mark(self, value: bytes) -> str:
        """What tells a value from another without telling it."""
        return hmac.new(self._secret.encode(), b"mark " + value, sha256).hexdigest()[:32]

    def _serializer(self, kind: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._secret, salt=f"farthing {kind}", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )
