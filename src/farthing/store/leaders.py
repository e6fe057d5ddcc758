"""One of many gateways does a job: a row in the store that says who, and until when. It holds on all engines.

A holder that stops or hangs loses the job when its time is over. Clocks of gateways may differ by seconds, so the time
given should be much longer than that.
"""

from farthing.store.engine import Connection
from farthing.store.errors import Duplicate

HISTORY = "history"
"""Led by whoever writes a history into the store, on a clock of its own: what goes by deadlines and days is that one's alone
meanwhile, and gateways that run leave it."""


def lead(connection: Connection, name: str, holder: str, now_us: int, for_us: int) -> bool:
    """Become or stay the leader until `now_us + for_us`; False while another one is."""
    with connection.transaction():
        if _renew(connection, name, holder, now_us, now_us + for_us):
            return True
    try:
        with connection.transaction():
            if connection.query("SELECT 1 FROM leaders WHERE name = ?", (name,)):
                return False
            connection.insert("leaders", ("name", "holder", "until_us"), [(name, holder, now_us + for_us)])
    except Duplicate:  # another one was there first
        return False
    return True


def _renew(connection: Connection, name: str, holder: str, now_us: int, until_us: int) -> bool:
    changed = connection.execute(
        "UPDATE leaders SET holder = ?, until_us = ? WHERE name = ? AND (holder = ? OR until_us <= ?)",
        (holder, until_us, name, holder, now_us),
    )
    return changed > 0


def leads(connection: Connection, name: str, holder: str, now_us: int) -> bool:
    """Whether `holder` is still the leader; inside the transaction of its work this also keeps it so until the end."""
    return connection.execute(
        "UPDATE leaders SET until_us = until_us WHERE name = ? AND holder = ? AND until_us > ?", (name, holder, now_us)
    ) > 0  # fmt: skip


def led(connection: Connection, name: str, now_us: int) -> bool:
    """Whether there is a leader."""
    return bool(connection.query("SELECT 1 FROM leaders WHERE name = ? AND until_us > ?", (name, now_us)))


def resign(connection: Connection, name: str, holder: str) -> None:
    """Let others have it at once."""
    connection.execute("UPDATE leaders SET until_us = 0 WHERE name = ? AND holder = ?", (name, holder))
