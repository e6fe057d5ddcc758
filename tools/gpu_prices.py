"""Sums a list of GPU offers to the table that is shipped: low, median and high by GPU and kind, with date and source.

    python tools/gpu_prices.py FOLDER

FOLDER holds gpus/gpu_prices.csv. Taken are single-GPU offers of tardellirs/gpu-pricing (MIT), which say their day; others are
older or rounded. Markets where anyone lends out a card are left out: their lowest offer is no price to plan with.
"""

import csv
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from farthing.selfhost import gpu_prices
from farthing.selfhost.gpus import find

SOURCE = "tardellirs/gpu-pricing"
AS_OF = date(2026, 5, 24)
KINDS = {"on-demand": "on-demand", "secure": "on-demand", "production": "on-demand", "spot": "spot"}
TARGET = gpu_prices.FACTS / "prices.json"


def lines(file: Path) -> Iterator[gpu_prices.Listed]:
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            kind = KINDS.get(row["tier"])
            gpu = meant(row["gpu"], row["form"], float(row["vram_gb"] or 0))
            if row["source"] == SOURCE and kind and gpu and row["gpus"] == "1":
                yield gpu_prices.Listed(gpu, kind, float(row["usd_per_gpu_hour"]))


def meant(name: str, form: str, memory: float) -> str:
    """The name in our table, if the memory agrees with it; empty otherwise."""
    plain = name.removeprefix("NVIDIA ").removesuffix(" SXM4").removesuffix(" SXM5").removesuffix(" SXM6")
    plain = plain.removesuffix(" NVLink").removesuffix(" HGX").removeprefix("HGX ")
    if plain.startswith("A100"):
        plain = f"A100 {memory:g}GB"
    elif plain == "H100" and form == "PCIe":
        plain = "H100 PCIe"
    found = find(plain)
    return found.name if found is not None and abs(found.memory_gb - memory) <= 0.1 * found.memory_gb else ""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    offers = gpu_prices.summed(lines(Path(arguments[0]) / "gpus" / "gpu_prices.csv"), AS_OF, SOURCE)
    gpu_prices.write(TARGET, offers)
    for each in offers:
        sys.stdout.write(
            f"{each.gpu:16} {each.kind:10} {each.low:6.2f} {each.median:6.2f} {each.high:6.2f} {each.offers:3}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
