"""What an hour of a GPU costs: dated offers with their source, summed to low, median and high, and a warning once they
are old.

Three ways in: the table that is shipped, a file of the user's, and the catalogues of SkyPilot and gpuhunt (CSV). Dollars
here are for planning and never reach the ledger. Knows nothing of models.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.gpus import FACTS, Gpu, find

OLD_DAYS = 30
"""Rental prices move by some per cent a month; older ones are shown with a warning."""

KINDS = ("on-demand", "spot")


Dollars = Annotated[float, msgspec.Meta(gt=0, le=100_000)]


class Offer(msgspec.Struct, frozen=True):
    """Prices of one kind of GPU at one kind of seller, in dollars a GPU and hour."""

    gpu: str
    kind: str
    """`on-demand` or `spot`."""
    low: Dollars
    median: Dollars
    high: Dollars
    offers: int
    as_of: date
    source: str

    def age_days(self, today: date) -> int:
        return (today - self.as_of).days

    def warning(self, today: date) -> str:
        """What is to be said about it; empty while it is fresh."""
        age = self.age_days(today)
        if age <= OLD_DAYS:
            return ""
        return f"the {self.kind} price of {self.gpu} is {age} days old ({self.as_of}, {self.source})"


class Listed(msgspec.Struct, frozen=True):
    """One line of a catalogue: one kind of machine at one seller."""

    gpu: str
    kind: str
    dollars: float
    """A GPU and hour."""


def summed(lines: Iterable[Listed], as_of: date, source: str) -> list[Offer]:
    """Low, median and high by GPU and kind."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for line in lines:
        found[line.gpu, line.kind].append(line.dollars)
    return [
        Offer(gpu, kind, min(each), median(each), max(each), len(each), as_of, source)
        for (gpu, kind), each in sorted(found.items())
    ]


@cache
def shipped() -> tuple[Offer, ...]:
    """The table that comes with Farthing."""
    return read(FACTS / "prices.json")


def read(file: Path) -> tuple[Offer, ...]:
    """Offers of a file that `write` made. Raises BadRequest."""
    try:
        return tuple(msgspec.json.decode(file.read_bytes(), type=list[Offer]))
    except (OSError, msgspec.MsgspecError) as error:
        raise BadRequest(f"{file.name} holds no GPU prices: {error}") from None


def known(file: str) -> list[Offer]:
    """The user's prices (empty: none) before ours: of two for one GPU and kind the user's holds. Raises BadRequest."""
    own = read(Path(file)) if file else ()
    named = {(each.gpu, each.kind) for each in own}
    return [*own, *(each for each in shipped() if (each.gpu, each.kind) not in named)]


def write(file: Path, offers: Iterable[Offer]) -> None:
    """Raises BadRequest."""
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(list(offers)), indent=1) + b"\n")
    except OSError as error:
        raise BadRequest(f"{file} cannot be written: {error.strerror}") from None


def offers_for(gpu: Gpu, offers: Sequence[Offer], kind: str = "on-demand") -> Offer | None:
    """The newest of `offers` for this GPU and kind; None where there is none, which is not the same as free."""
    fitting = [each for each in offers if each.gpu == gpu.name and each.kind == kind]
    return max(fitting, key=lambda each: each.as_of, default=None)


def skypilot(file: Path) -> list[Listed]:
    """The lines of a SkyPilot catalogue (`catalogs/v8/CLOUD/vms.csv`). Raises BadRequest."""
    return list(_skypilot(_rows(file, ("AcceleratorName", "AcceleratorCount", "Price"))))


def _skypilot(rows: Iterable[Mapping[str, str]]) -> Iterator[Listed]:
    for row in rows:
        gpu = _of(row["AcceleratorName"], "")
        count = _number(row["AcceleratorCount"])
        if gpu is None or not count:
            continue
        for column, kind in (("Price", "on-demand"), ("SpotPrice", "spot")):
            price = _number(row.get(column, ""))
            if price:
                yield Listed(gpu.name, kind, price / count)


def gpuhunt(file: Path) -> list[Listed]:
    """The lines of a gpuhunt catalogue. Raises BadRequest."""
    return list(_gpuhunt(_rows(file, ("gpu_name", "gpu_count", "price"))))


def _gpuhunt(rows: Iterable[Mapping[str, str]]) -> Iterator[Listed]:
    for row in rows:
        gpu = _of(row["gpu_name"], row.get("gpu_memory", ""))
        count, price = _number(row["gpu_count"]), _number(row["price"])
        if gpu is None or not count or not price:
            continue
        kind = "spot" if row.get("spot", "").strip().lower() in ("true", "1") else "on-demand"
        yield Listed(gpu.name, kind, price / count)


def _of(name: str, memory: str) -> Gpu | None:
    """The GPU that a catalogue means: some write the memory into the name, others beside it."""
    size = _number(memory)
    exact = find(f"{name} {size:g}GB") if size else None
    found = exact or find(name)
    if found is None or (size and abs(found.memory_gb - size) > 0.1 * found.memory_gb):
        return exact
    return found


def _rows(file: Path, needed: Sequence[str]) -> Iterator[Mapping[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise BadRequest(f"{file.name} has no column {', '.join(missing)}")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"{file.name} cannot be read: {error}") from None


def _number(text: str) -> float:
    """0 where a cell is empty or no number: catalogues leave cells open that they do not know."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 < value < 1e6 else 0.0
