"""A load test of a server that speaks OpenAI's chat completions: tokens a second and delays at rising concurrency.

Callers in a closed loop, each with a prompt of its own (a shared one would be served from the prefix cache). Tokens are the
server's own counts; only those that arrive while all callers are busy are in the speed. Calls that fail
(`asking`) are counted, and in no figure. Knows nothing of GPUs and prices.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from farthing.model.errors import UpstreamError
from farthing.selfhost.asking import Answer, Refused, Target, ask, check
from farthing.upstream.client import Client

WORDS = ["amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "harbor", "island", "jade", "kelp", "lumen", "maple", "north", "opal", "pine", "quartz", "river", "stone", "tide"]  # fmt: skip
FIRST_WORDS = 200
"""Of the call that says how many tokens a word is."""
TRIES, PAUSE_S = 4, 0.5
"""Of that call, and seconds between two."""
ROUNDS = 3
"""Calls of each caller at the least."""
SHARES = (0.5, 0.99)
MOST_FAILED = 0.1
"""Share of a level's calls that may fail; with more there were not so many callers at once."""


class Plan(msgspec.Struct, frozen=True):
    """What is asked of it."""

    input_tokens: int = 512
    output_tokens: int = 128
    levels: tuple[int, ...] = (1, 4, 16, 64)
    """Callers at once."""
    seed: int = 0


class Level(msgspec.Struct, frozen=True):
    """What was measured with so many callers. Times in seconds. All but `calls` and `failures` is of the calls that were answered;
    a level without any is not made."""

    callers: int
    calls: int
    failures: int
    input_tokens: float
    """Mean, as the server counts."""
    output_tokens: float
    tokens_s: float
    """Output tokens a second, of all callers."""
    ttft: tuple[float, float]
    """p50 and p99 of the time to the first token."""
    tpot: tuple[float, float]
    """p50 and p99 of the time from token to token."""
    trouble: str = ""
    """What the first failure was."""

    @property
    def holds(self) -> bool:
        """Whether so few calls failed that it is what it says: so many callers at once."""
        return self.failures <= MOST_FAILED * self.calls


Progress = Callable[[int, int], None]
"""Told of each call that ended: the level's callers, calls done."""


async def measure(
    client: Client, target: Target, plan: Plan, progress: Progress = lambda callers, done: None
) -> AsyncIterator[Level]:
    """One level after the other, each as soon as it is measured. Raises BadRequest for a URL that is none and where the server
    counts no tokens, and UpstreamError where it cannot be reached or no call of a level is answered."""
    check(target.url)
    words = await _words_for(client, target, plan)
    for callers in plan.levels:
        yield await _level(client, target, plan, words, callers, progress)


def calls_of(callers: int) -> int:
    """How many calls a level makes."""
    return max(4, callers * ROUNDS)


async def _words_for(client: Client, target: Target, plan: Plan) -> int:
    """How many of our words are so many tokens, by one call; it also warms the server up."""
    dice = random.Random(plan.seed)
    for left in reversed(range(TRIES)):
        try:
            answer = await ask(client, target, _prompt(dice, FIRST_WORDS), 1)
            break
        except Refused as error:
            if not left or not error.is_busy:
                raise
            await asyncio.sleep(PAUSE_S)
    return max(1, round(plan.input_tokens * FIRST_WORDS / answer.taken))


async def _level(
    client: Client, target: Target, plan: Plan, words: int, callers: int, progress: Progress
) -> Level:  # fmt: skip
    dice = random.Random(f"{plan.seed} {callers}")
    waiting = [_prompt(dice, words) for _ in range(calls_of(callers))]
    answers: list[Answer] = []
    troubles: list[UpstreamError] = []
    began, busy_until = time.perf_counter(), float("inf")

    async def caller() -> None:
        nonlocal busy_until
        while waiting:
            prompt = waiting.pop()
            try:
                answers.append(await ask(client, target, prompt, plan.output_tokens))
            except UpstreamError as error:
                troubles.append(error)
            progress(callers, len(answers) + len(troubles))
        busy_until = min(busy_until, time.perf_counter())

    await asyncio.gather(*(caller() for _ in range(callers)))
    if not answers:
        raise troubles[0]
    found = _summed(callers, answers, len(troubles), began, busy_until)
    return msgspec.structs.replace(found, trouble=troubles[0].message) if troubles else found


def _summed(callers: int, answers: Sequence[Answer], failures: int, began: float, until: float) -> Level:
    """The speed counts tokens until the first caller had nothing to do, those of an answer being spread evenly over the
    time in which it came."""
    within = sum(_within(each, until) for each in answers)
    paces = [(each.last - each.first) / (each.written - 1) for each in answers if each.written > 1]
    return Level(
        callers=callers, calls=len(answers) + failures, failures=failures,
        input_tokens=sum(each.taken for each in answers) / len(answers),
        output_tokens=sum(each.written for each in answers) / len(answers),
        tokens_s=within / max(until - began, 1e-9), ttft=_quantiles([each.first - each.began for each in answers]),
        tpot=_quantiles(paces or [0.0]),
    )  # fmt: skip


def _within(answer: Answer, until: float) -> float:
    if answer.last <= until:
        return answer.written
    if answer.first >= until:
        return 0.0
    return answer.written * (until - answer.first) / (answer.last - answer.first)


def _quantiles(values: list[float]) -> tuple[float, float]:
    values = sorted(values)
    middle, most = (values[min(len(values) - 1, int(share * len(values)))] for share in SHARES)
    return middle, most


def _prompt(dice: random.Random, words: int) -> str:
    return " ".join(f"{dice.choice(WORDS)}" for _ in range(words))
