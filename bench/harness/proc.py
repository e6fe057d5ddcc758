"""What /proc says of a process and all its descendants: CPU time, memory, and how busy a core is."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> Iterator[int]:
    """The process and its living descendants."""
    todo = [pid]
    while todo:
        process = todo.pop()
        yield process
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{process}/task"):
                todo += [int(child) for child in Path(f"/proc/{process}/task/{thread}/children").read_text().split()]


def cpu_s(pid: int) -> float:
    """Seconds of CPU, user and system, that the tree has used; children that ended are counted by their parent."""
    ticks = 0
    for process in tree(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(each) for each in fields[11:15])
    return ticks / TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Resident memory of the tree; pages that processes share are counted in each."""
    pages = 0
    for process in tree(pid):
        with suppress(OSError):
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * PAGE_BYTES


def core_busy_s(core: int) -> float:
    """Seconds that a core has been busy since boot, for whomever, time stolen by the host included."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _wait, irq, softirq, steal = (int(each) for each in fields[:8])
            return (user + nice + system + irq + softirq + steal) / TICKS_PER_S
    raise LookupError(f"no core {core}")
