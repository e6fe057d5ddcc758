"""A key in words, for every list of keys: owners, limits, routing, and whether it opens anything."""

from typing import Literal

from farthing.model.principal import Key

State = Literal["valid", "expired", "revoked"]


def owners(key: Key) -> str:
    return ", ".join(f"{name}={value}{' (pinned)' if name in key.pinned else ''}" for name, value in key.tags.items())


def routing(key: Key) -> str:
    substitute = {None: "", True: "substitutes", False: "as asked"}[key.substitute]
    region = f"in {key.region}" if key.region else ""
    return ", ".join(part for part in (substitute, region) if part) or "default"


def limits(key: Key) -> str:
    said = (
        f"{key.requests_per_minute} rpm" if key.requests_per_minute else "",
        f"{key.tokens_per_minute} tpm" if key.tokens_per_minute else "",
    )
    return ", ".join(limit for limit in said if limit) or "none"


def state(key: Key, now_us: int) -> State:
    if key.revoked_us:
        return "revoked"
    return "expired" if key.expires_us and key.expires_us <= now_us else "valid"
