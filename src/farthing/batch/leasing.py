"""Who works on what: the name under which this gateway holds jobs, lines and shards, and for how long.

What a gateway holds is its own for some time, and it says again and again that it lives; what a dead one held is free when
that time is over. One that died on this machine is known by its journal, which nobody locks any more: what it held is free
at once. Knows nothing of what is held.
"""

import hashlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path

LEASE_S = 90.0
RENEWED_S = 20.0


def place_of(journals: Path) -> str:
    """A short name of a folder of journals on this machine."""
    where = f"{socket.gethostname()}\n{_boot()}\n{journals.resolve()}"
    return hashlib.blake2b(where.encode(), digest_size=6).hexdigest()


def holder_of(journal: Path) -> str:
    """The name of the gateway whose journal it is: the place, then the journal's own name."""
    return f"{place_of(journal.parent)}-{journal.stem}"


def dead(holders: Iterable[str], journals: Path, alive: Iterable[str]) -> list[str]:
    """Those of the holders whose journals lay in this folder and whose processes are gone. `alive` are journals (names
    without suffix) of which that is not so."""
    prefix, living = f"{place_of(journals)}-", set(alive)
    return [each for each in holders if each.startswith(prefix) and each.removeprefix(prefix) not in living]


def _boot() -> str:
    """Which machine it is where several have the same name, as containers may."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(os.getuid())
