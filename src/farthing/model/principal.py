"""Who calls: the owner of a key and the tags of a call. `tenant` is the wall that nothing crosses."""

from fnmatch import fnmatchcase
from typing import Literal

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """The dimensions that a call's cost is reported by. Empty means not said."""

    tenant: str = "default"
    key_id: str = ""
    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    transaction: str = ""
    """The business unit of work that this call serves, such as an order or a ticket."""
    tags: dict[str, str] = {}


Role = Literal["", "viewer", "editor", "admin"]
"""What a key may do beside calling: nothing, so that it sees its own calls alone; read its tenant's reports; change its
tenant's budgets, alerts and routes; all, also keys."""
ROLES: tuple[Role, ...] = ("", "viewer", "editor", "admin")
"""Each may what those before it may."""
OPERATOR = "default"
"""The tenant of whoever runs the gateway. Its administrators alone see other tenants."""

KEY_PREFIX = "fk-"
"""What the secret of every key starts with."""
TAG_FIELDS = ("team", "project", "user", "feature")
"""What a key can carry as owner tags, and pin."""


class Key(msgspec.Struct, frozen=True):
    """A key as the gateway knows it: never the secret, only its SHA-256."""

    id: str
    name: str
    hash: bytes
    tenant: str = "default"
    tags: dict[str, str] = {}
    """Owner tags: team, project, user, feature, and any other name."""
    pinned: tuple[str, ...] = ()
    """Names of tags that a caller cannot change."""
    models: tuple[str, ...] = ()
    """Model patterns (`gpt-*`) that the key may use; empty means all."""
    requests_per_minute: int = 0
    """0 means no limit."""
    tokens_per_minute: int = 0
    role: Role = ""
    created_us: int = 0
    expires_us: int = 0
    """Microseconds since 1970; 0 means never."""
    revoked_us: int = 0
    substitute: bool | None = None
    """Whether calls that name a model may get a cheaper one that clears the floor; None: as the settings say."""
    region: str = ""
    """Where its calls must be served; empty: anywhere."""


def has_role(key: Key | None, least: Role) -> bool:
    """Whether a key may what `least` may. Without keys there is only the gateway's own machine, which may all."""
    return key is None or ROLES.index(key.role) >= ROLES.index(least)


def may_use(key: Key | None, model: str) -> bool:
    """Whether a key may use a model by that name."""
    return key is None or not key.models or any(fnmatchcase(model, pattern) for pattern in key.models)
