"""Calls with prompts in blocks, at the moments at which real calls came. No text: a block is a number and its tokens.

Arrivals are those of the Azure traces of 2023 (conversation and code), thinned by chance where a workload is smaller than
theirs; one workload is the Mooncake trace itself, whose blocks of 512 tokens are real prefixes.
"""

import csv
import gzip
import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

HOUR = 3600.0


class Request(NamedTuple):
    """One call: when, and the blocks of its prompt as (which, tokens, kind of place)."""

    at: float
    blocks: tuple[tuple[int, int, int], ...]


SYSTEM, MESSAGE = 1, 2


class Sessions(NamedTuple):
    """A kind of conversation. Tokens and seconds are medians."""

    system: int
    turns: float
    """Their mean number."""
    first: float
    turn: float
    """What each turn adds."""
    pause: float
    spread: float
    """Of the pauses: the standard deviation of their logarithm."""
    blocks: int = 2
    """That each turn adds."""
    trace: str = "conv"


CHAT = Sessions(2_500, 5.0, 120.0, 450.0, 70.0, 0.9)
AGENT = Sessions(9_000, 18.0, 1_500.0, 1_800.0, 9.0, 0.8, trace="code")
TOOLS = Sessions(9_000, 10.0, 1_500.0, 6_000.0, 15.0, 0.8, blocks=26)


class Traffic:
    """The traces. `folder` holds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arrivals(self, name: str, hours: float, a_day: float, dice: random.Random) -> list[float]:
        """Moments of a trace that is repeated for so many hours, each hour thinned anew to `a_day` calls a day."""
        with (self._folder / f"azure_2023_{name}.csv").open() as lines:
            times = [float(row["t_s"]) for row in csv.DictReader(lines)]
        share = min(1.0, a_day / 24 / len(times))
        moments = []
        for hour in range(math.ceil(hours)):
            moments += [hour * HOUR + at for at in times if dice.random() < share]
        return [at for at in moments if at < hours * HOUR]

    def sizes(self, name: str) -> list[int]:
        with (self._folder / f"azure_2023_{name}.csv").open() as lines:
            return [int(row["input_tokens"]) for row in csv.DictReader(lines)]

    def mooncake(self) -> list[Request]:
        """The first half hour of the trace, as its blocks have it."""
        requests = []
        with gzip.open(self._folder / "mooncake_conversation.jsonl.gz", "rt") as lines:
            for line in lines:
                row = json.loads(line)
                left = row["input_tokens"]
                blocks = []
                for place, block in enumerate(row["blocks"]):
                    blocks.append((block, max(1, min(512, left)), SYSTEM if not place else MESSAGE))
                    left -= 512
                requests.append(Request(row["t_ms"] / 1000, tuple(blocks)))
        return requests


class Maker:
    """Makes the blocks of workloads; each number stands for one content."""

    def __init__(self, traffic: Traffic, seed: int) -> None:
        self.traffic = traffic
        self.dice = random.Random(seed)
        self._last = 0

    def new(self, tokens: float, kind: int = MESSAGE) -> tuple[int, int, int]:
        self._last += 1
        return self._last, max(1, int(tokens)), kind

    def lognormal(self, median: float, spread: float) -> float:
        return self.dice.lognormvariate(math.log(median), spread)

    def shared(self, hours: float, a_day: float, tokens: int = 5_000, name: str = "conv") -> list[Request]:
        """One system prompt, a question of its own in each call."""
        system = self.new(tokens, SYSTEM)
        sizes = self.traffic.sizes(name)
        return [
            Request(at, (system, self.new(self.dice.choice(sizes))))
            for at in self.traffic.arrivals(name, hours, a_day, self.dice)
        ]

    def features(self, hours: float) -> list[Request]:
        """Eight features, from one call in six hours to twenty a minute, each with a system prompt of its own."""
        rates = (4, 24, 70, 150, 400, 1_200, 5_000, 28_000)
        parts = [self.shared(hours, rate, self.dice.randrange(2_000, 9_000)) for rate in rates]
        return merged(parts)

    def sessions(self, hours: float, a_day: float, kind: "Sessions") -> list[Request]:
        """Conversations that grow."""
        opening = self.new(kind.system, SYSTEM)
        requests = []
        for start in self.traffic.arrivals(kind.trace, hours, a_day, self.dice):
            history = [opening, self.new(self.lognormal(kind.first, 0.8))]
            at = start
            for _ in range(1 + int(self.dice.expovariate(1 / kind.turns))):
                requests.append(Request(at, tuple(history)))
                at += max(1.0, self.lognormal(kind.pause, kind.spread))
                for _ in range(kind.blocks):
                    history.append(self.new(self.lognormal(kind.turn / kind.blocks, 0.7)))
        return sorted(requests, key=lambda request: request.at)

    def documents(self, hours: float, a_day: float, documents: int) -> list[Request]:
        """Questions about documents that lie in the prompt before them; some are asked about far more often."""
        system = self.new(1_500, SYSTEM)
        texts = [self.new(self.lognormal(8_000, 0.6)) for _ in range(documents)]
        weights = [1 / (place + 1) for place in range(documents)]
        return [
            Request(at, (system, self.dice.choices(texts, weights)[0], self.new(60)))
            for at in self.traffic.arrivals("conv", hours, a_day, self.dice)
        ]

    def unique(self, calls: int) -> list[Request]:
        """No prefix is ever seen twice."""
        return [Request(at * 20.0, (self.new(5_000, SYSTEM), self.new(500))) for at in range(calls)]

    def trap(self, prefixes: int, gaps: Callable[[int], list[float]]) -> list[Request]:
        """Each prefix is used once, and again after each of the gaps."""
        parts = []
        for place in range(prefixes):
            system = self.new(5_000, SYSTEM)
            at = place * 40.0
            requests = [Request(at, (system, self.new(200)))]
            for gap in gaps(place):
                at += gap
                requests.append(Request(at, (system, self.new(200))))
            parts.append(requests)
        return merged(parts)

    def turncoat(self, prefixes: int) -> list[Request]:
        """Every hundred prefixes the rule changes: each is used four times in a row, then each but once or twice."""
        return self.trap(prefixes, lambda place: [30.0] * 3 if place // 100 % 2 == 0 else [30.0] * (place % 2))


def merged(parts: list[list[Request]]) -> list[Request]:
    return sorted((request for part in parts for request in part), key=lambda request: request.at)


def workloads(traffic: Traffic, seed: int, hours: float) -> Iterator[tuple[str, list[Request], bool]]:
    """Name, calls, and whether it was made to lose."""

    def maker() -> Maker:
        return Maker(traffic, seed)

    yield "one system prompt, 20 calls a minute", maker().shared(min(hours, 3), 28_000), False
    yield "one system prompt, a call every 3 minutes", maker().shared(hours, 480), False
    yield "one system prompt, a call every 20 minutes", maker().shared(4 * hours, 72), False
    yield "eight features, busy and quiet", maker().features(hours), False
    yield "chats with people", maker().sessions(hours, 2_000, CHAT), False
    yield "agents with growing history", maker().sessions(hours, 300, AGENT), False
    yield "agents with 26 tool results a turn", maker().sessions(hours, 200, TOOLS), False
    yield "questions about 300 documents", maker().documents(hours, 4_000, 300), False
    yield "real prefixes (Mooncake)", traffic.mooncake(), False
    yield "no prefix twice", maker().unique(3_000), True
    yield "each prefix twice, just too late", maker().trap(1_500, lambda _: [3_700.0]), True
    yield "each prefix twice, then never", maker().trap(1_500, lambda _: [30.0]), True
    yield "gaps just over five minutes", maker().trap(150, lambda _: [310.0] * 10), True
    yield "a rule that turns every 100 prefixes", maker().turncoat(1_200), True
    dice = random.Random(seed)
    yield "reuse by a coin at break-even", maker().trap(1_500, lambda _: [30.0] * (dice.random() < 0.22)), True
