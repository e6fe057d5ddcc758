"""Secrets that a store makes for itself: once, by whoever asks first, and the same for every gateway that shares it. They
are told to nobody. Knows nothing of what they are for."""

import secrets

from farthing.store.engine import Connection


def secret(connection: Connection, name: str) -> str:
    """The secret of that name, 256 random bits as hex."""
    kept = "SELECT value FROM secrets WHERE name = ?"
    found = connection.query(kept, (name,))
    if not found:
        connection.execute(
            "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            (name, secrets.token_hex(32)),
        )
        found = connection.query(kept, (name,))
    return str(found[0][0])


def plant(connection: Connection, name: str, value: str) -> None:
    """Give the store this secret, if it has none of that name yet: for stores whose draws must come out the same again,
    which guard nobody's data."""
    connection.execute("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value))
