"""What GPUs are known: memory, bandwidth, peaks, with where each figure comes from. A dated table, no guess.

Knows nothing of prices (`gpu_prices`), models and engines.
"""

from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest

FACTS = Path(__file__).parent / "gpu_facts"


class Gpu(msgspec.Struct, frozen=True):
    """One kind of GPU. Peaks are the vendor's, dense, in 10^12 operations a second; 0 where there is none."""

    name: str
    vendor: str
    architecture: str
    memory_gb: float
    """10^9 bytes, as sold."""
    bandwidth_gb_s: float
    tflops16: float
    link_gb_s: float
    """To other GPUs of the machine, both ways together, in 10^9 bytes a second."""
    source: str
    tflops8: float = 0.0
    tops8: float = 0.0
    """Whole numbers of 8 bits."""
    tflops4: float = 0.0
    aliases: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> float:
        return self.memory_gb * 1e9


class _Table(msgspec.Struct, frozen=True):
    as_of: date
    units: str
    sources: dict[str, str]
    gpus: tuple[Gpu, ...]


@cache
def _table() -> _Table:
    return msgspec.json.decode((FACTS / "gpus.json").read_bytes(), type=_Table)


def every() -> tuple[Gpu, ...]:
    """All known GPUs, in the table's order."""
    return _table().gpus


def as_of() -> date:
    """The day of the table."""
    return _table().as_of


def sources() -> dict[str, str]:
    """What the letters in `Gpu.source` stand for."""
    return _table().sources


def find(name: str) -> Gpu | None:
    """The GPU of this name, in any of its spellings; None where it is not in the table."""
    return _names().get(_plain(name))


def gpu(name: str) -> Gpu:
    """As `find`. Raises BadRequest that names the nearest one."""
    found = find(name)
    if found is None:
        near = get_close_matches(_plain(name), _names(), 1)
        hint = f"; did you mean {_names()[near[0]].name}?" if near else "; `farthing selfhost gpus` lists them"
        raise BadRequest(f"no GPU {name!r} is known{hint}")
    return found


@cache
def _names() -> dict[str, Gpu]:
    return {_plain(name): each for each in every() for name in (each.name, *each.aliases)}


def _plain(name: str) -> str:
    """Spellings differ in blanks, hyphens and the maker's name."""
    plain = "".join(char for char in name.lower() if char.isalnum())
    for maker in ("nvidia", "amdinstinct", "amd", "intel"):
        plain = plain.removeprefix(maker)
    return plain
