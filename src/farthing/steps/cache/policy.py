"""What a call may take from the cache and leave in it: the settings of its feature, then what its headers ask for.

Callers can only ask for less than the settings allow: to skip the cache, to want fresher answers, to want nothing else.
"""

from collections.abc import Mapping

import msgspec

from farthing.model.call import Call
from farthing.model.errors import BadRequest
from farthing.model.principal import Key, Principal
from farthing.settings import CacheSettings

HEADERS = (b"x-farthing-cache", b"cache-control")
"""Ours is read first; the other is what HTTP libraries know."""


class Rules(msgspec.Struct, frozen=True):
    """The settings of one feature."""

    exact: bool
    semantic: bool
    ttl_s: float
    max_temperature: float
    share: str
    """user, team or tenant: who may get an answer that one of them caused."""
    feedback: str = "neighbourhood"
    """entry, neighbourhood or scope: how far a verdict of people reaches."""


class Policy(msgspec.Struct, frozen=True):
    """What one call may do."""

    rules: Rules
    reads: bool
    stores: bool
    only: bool
    """Answer from the cache or not at all."""
    max_age_s: float

    def allows(self, temperature: float | None, choices: int) -> bool:
        """Whether an answer may stand for another one: not where the client wants several, or chance to play its part.
        A temperature that is not given is the providers' default, 1."""
        return choices == 1 and (1.0 if temperature is None else temperature) <= self.rules.max_temperature


class Policies:
    """Policies by feature."""

    def __init__(self, settings: CacheSettings) -> None:
        self._default = _whole(
            _rules(settings.mode, settings.ttl_s, settings.max_temperature, settings.share, settings.feedback)
        )
        self._features = {
            name: _whole(
                _rules(
                    feature.mode or settings.mode,
                    settings.ttl_s if feature.ttl_s is None else feature.ttl_s,
                    settings.max_temperature if feature.max_temperature is None else feature.max_temperature,
                    feature.share or settings.share,
                    feature.feedback or settings.feedback,
                )
            )
            for name, feature in settings.features.items()
        }

    def rules(self, feature: str) -> Rules:
        """What the settings say of a feature."""
        return self._features.get(feature, self._default).rules

    def of(self, call: Call) -> Policy | None:
        """The call's policy; None where the cache has no part in it. Raises BadRequest for a directive with no sense."""
        whole = self._features.get(call.principal.feature, self._default)
        rules = whole.rules
        if not rules.exact:
            return None
        said = directives(call.headers)
        if not said:
            return whole
        only = "only-if-cached" in said
        max_age_s = _seconds(said["max-age"]) if "max-age" in said else float("inf")
        reads = "no-cache" not in said and "no-store" not in said and max_age_s > 0
        return Policy(rules, reads or only, "no-store" not in said, only, max_age_s)


def sharing(principal: Principal, key: Key | None, share: str) -> str:
    """Who shares an answer with this caller, as one word. A team or user counts where the key itself carries it: what a
    caller says of itself must not open answers of others. A user that only the caller names is one of its key's users."""
    own = key.tags if key is not None else {"team": principal.team, "user": principal.user}
    if share == "tenant":
        return "tenant"
    if own.get(share):
        return f"{share} {own[share]}"
    user = f" user {principal.user}" if share == "user" and principal.user else ""
    return f"key {principal.key_id}{user}"


def directives(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """Cache directives of a request: name -> value. Ones that we do not know are left alone, as HTTP wants."""
    said: dict[str, str] = {}
    for header in HEADERS:
        if header not in headers:
            continue
        for part in headers[header].decode("latin-1").split(","):
            name, _, value = part.strip().partition("=")
            said.setdefault(name.lower(), value.strip('"'))
    return said


def _whole(rules: Rules) -> Policy:
    """What a call may do that asks for nothing special."""
    return Policy(rules, reads=True, stores=True, only=False, max_age_s=float("inf"))


def _rules(mode: str, ttl_s: float, max_temperature: float, share: str, feedback: str) -> Rules:
    return Rules(mode != "off", mode == "semantic", ttl_s, max_temperature, share, feedback)


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise BadRequest("max-age is a number of seconds, such as max-age=3600.", param="x-farthing-cache")
    return float(text)
