"""Whose answers a line may share: the digest of a line as the settings and its caller's key let it be shared.

Knows nothing of files and of the queue.
"""

from collections.abc import Mapping

from farthing.batch.joining import EMBEDDINGS, digest_of
from farthing.model.call import Ask, Call
from farthing.model.principal import Key
from farthing.settings import CacheSettings
from farthing.steps.cache.policy import Policies, directives, sharing
from farthing.steps.identify import principal_of, said_of

_FRESH = frozenset(("no-cache", "no-store", "max-age"))
"""Whoever says one of these wants an answer of their own."""


class Alike:
    """See the module."""

    def __init__(self, settings: CacheSettings) -> None:
        self._policies = Policies(settings)

    def digest(
        self, wire: str, body: bytes, ask: Ask, headers: Mapping[bytes, bytes], key: Key | None, tenant: str
    ) -> bytes:
        """As `Line.digest`: empty for a line whose answer may not stand for another's. Never raises."""
        if wire != EMBEDDINGS and b'"temperature"' not in body:
            return b""  # chance has a part in it, as most often: nothing more needs to be looked at
        if not _FRESH.isdisjoint(directives(headers)):
            return b""
        call = Call(id="", wire=wire, headers=dict(headers), peer="", body=b"", ask=ask, started_us=0, started=0.0)
        principal, _ = principal_of(key, said_of(call))
        rules = self._policies.rules(principal.feature)
        return digest_of(
            wire, body, tenant=tenant, sharing=sharing(principal, key, rules.share), model=ask.model,
            feature=principal.feature,
        )  # fmt: skip
