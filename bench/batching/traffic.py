"""Lines as they come: at the moments and with the sizes of real calls, each with a time that it can wait.

Arrivals are those of the Azure traces of 2023 and of the Mooncake trace, each hour (half hour) thinned anew by chance.
Without the traces a process of our own is drawn: bursts whose rate is log-normal and changes every few minutes.
"""

import csv
import gzip
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HOUR = 3600.0
LEAST_S, MOST_S = 300.0, 24 * HOUR
"""Patience: log-uniform between these."""
IN_NANO, OUT_NANO = 2_500, 10_000
"""Standard price of a token."""


class Arrival(NamedTuple):
    at_s: float
    deadline_s: float
    tokens: int
    """Of its input."""
    size: int
    price: int
    """Nano-dollars, standard."""


class Call(NamedTuple):
    at_s: float
    tokens_in: int
    tokens_out: int


def traces(folder: Path | None) -> dict[str, tuple[float, list[Call]]]:
    """Name -> (its seconds, its calls)."""
    place = folder / "traffic" if folder is not None else None
    if place is None or not (place / "azure_2023_conv.csv").is_file():
        return {}
    found = {}
    for name in ("conv", "code"):
        with (place / f"azure_2023_{name}.csv").open() as lines:
            calls = [
                Call(float(row["t_s"]), int(row["input_tokens"]), int(row["output_tokens"]))
                for row in csv.DictReader(lines)
            ]
        found[f"azure {name}"] = (HOUR, calls)
    with gzip.open(place / "mooncake_conversation.jsonl.gz", "rt") as packed:
        rows = [json.loads(line) for line in packed]
    found["mooncake"] = (HOUR / 2, [Call(row["t_ms"] / 1e3, row["input_tokens"], row["output_tokens"]) for row in rows])
    return found


def made_up(dice: random.Random) -> dict[str, tuple[float, list[Call]]]:
    calls: list[Call] = []
    at, rate, until = 0.0, 5.0, 0.0
    while at < HOUR:
        if at >= until:
            rate, until = 5.0 * math.exp(dice.gauss(-0.3, 0.8)), at + dice.expovariate(1 / 120)
        at += dice.expovariate(rate)
        calls.append(Call(at, int(dice.lognormvariate(6.9, 1.0)) + 1, int(dice.lognormvariate(4.5, 1.0)) + 1))
    return {"made up": (HOUR, calls)}


def arrivals(
    found: dict[str, tuple[float, list[Call]]], dice: random.Random, *, hours: float, lines: int, bulk: Sequence[tuple[float, int, float]]
) -> list[Arrival]:  # fmt: skip
    """About `lines` lines over so many hours, and of each of `bulk` (hour, lines, patience in hours) all at once."""
    calls: list[Call] = []
    for length, trace in found.values():
        times = math.ceil(hours * HOUR / length)
        share = lines / len(found) / (times * len(trace))
        calls += [
            call._replace(at_s=turn * length + call.at_s)
            for turn in range(times) for call in trace if dice.random() < share
        ]  # fmt: skip
    made = [_arrival(call, math.exp(dice.uniform(math.log(LEAST_S), math.log(MOST_S)))) for call in calls]
    every = [call for _, trace in found.values() for call in trace]
    for hour, count, patience in bulk:
        made += [
            _arrival(call._replace(at_s=hour * HOUR), patience * HOUR)
            for call in (dice.choice(every) for _ in range(count))
        ]
    return sorted(each for each in made if each.at_s < hours * HOUR)


def _arrival(call: Call, patience_s: float) -> Arrival:
    price = call.tokens_in * IN_NANO + call.tokens_out * OUT_NANO
    return Arrival(call.at_s, call.at_s + patience_s, call.tokens_in, 200 + call.tokens_in * 4, price)
