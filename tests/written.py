"""Waiting until gateways have written what they served, seen from outside: calls that are not in the ledger stand in a
gateway's journal, a file whose slots say how long their notes are. Knows nothing of what tests ask.

For shells:  python written.py FOLDER   and until gateways that look twice a second have looked for keys of others
"""

import sys
import time
from pathlib import Path

SLOT = 2048
PATIENCE_S = 30.0
"""Calls may also be under way for as long as the test wants."""
NAPS = 60
"""Of 10 ms at least: on a machine where others are late each of them lasts longer."""


def wait_until_written(folder: Path, patience_s: float = PATIENCE_S) -> None:
    """Until no journal below `folder` notes a call, or `patience_s` are over."""
    until = time.monotonic() + patience_s
    while _notes(folder) and time.monotonic() < until:
        time.sleep(0.02)


def _notes(folder: Path) -> bool:
    return any(_has_notes(path) for path in folder.glob("**/*.journal") if path.is_file())


def _has_notes(path: Path) -> bool:
    """The first slot is the mark of a journal."""
    try:
        data = path.read_bytes()
    except OSError:  # its gateway has ended
        return False
    return any(data[at : at + 4] != b"\0\0\0\0" for at in range(SLOT, len(data), SLOT))


if __name__ == "__main__":
    wait_until_written(Path(sys.argv[1]))
    for _ in range(NAPS):
        time.sleep(0.01)
