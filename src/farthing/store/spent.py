"""Passes that are used up before their time is over: sessions that somebody ended, links that work once. An entry may be
forgotten when the pass would be over anyway."""

from collections.abc import Collection

from farthing.store.engine import Connection


def spend(connection: Connection, pass_id: str, until_us: int, now_us: int) -> bool:
    """Use up a pass that is over at `until_us`; False if it was used up before, whoever asks at the same moment."""
    with connection.transaction():
        connection.execute("DELETE FROM spent_passes WHERE until_us < ?", (now_us,))
        done = connection.execute(
            "INSERT INTO spent_passes (id, until_us) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", (pass_id, until_us)
        )
    return done > 0


def is_spent(connection: Connection, pass_id: str) -> bool:
    return bool(connection.query("SELECT 1 FROM spent_passes WHERE id = ?", (pass_id,)))


def spent_among(connection: Connection, pass_ids: Collection[str]) -> set[str]:
    return connection.known("spent_passes", "id", list(pass_ids))
