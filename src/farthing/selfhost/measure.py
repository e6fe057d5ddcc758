"""A load test of a server that speaks OpenAI's chat completions: tokens a second and delays at rising concurrency.

Callers in a closed loop, each with a prompt of its own (a shared one would be served from the prefix cache). Tokens are the
server's own counts; only those that arrive while all callers are busy are in the speed. Knows nothing of GPUs and prices.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from farthing.model.errors import BadRequest, UpstreamError
from farthing.upstream.client import Client, Timeouts

WORDS = ["amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "harbor", "island", "jade", "kelp", "lumen", "maple", "north", "opal", "pine", "quartz", "river", "stone", "tide"]  # fmt: skip
FIRST_WORDS = 200
"""Of the call that says how many tokens a word is."""
TRIES = 4
"""Of that call."""
ROUNDS = 3
"""Calls of each caller at the least."""
SHARES = (0.5, 0.99)
LIMIT = 16 * 1024 * 1024
"""Bytes of an error, or of a line of a stream, that are read."""
MOST_SHOWN = 300
"""Characters of what it says."""


class Target(msgspec.Struct, frozen=True):
    """What is measured."""

    url: str
    """With the version: `http://host:8000/v1`."""
    model: str
    key: str = ""
    more: dict[str, Any] = {}
    """Further fields of each request, such as `ignore_eos`."""
    timeouts: Timeouts = Timeouts()

    def __repr__(self) -> str:
        return f"Target({self.url!r}, {self.model!r})"


class Plan(msgspec.Struct, frozen=True):
    """What is asked of it."""

    input_tokens: int = 512
    output_tokens: int = 128
    levels: tuple[int, ...] = (1, 4, 16, 64)
    """Callers at once."""
    seed: int = 0


class Level(msgspec.Struct, frozen=True):
    """What was measured with so many callers. Times in seconds; NaN-free: a level without answers is not made."""

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


class _Answer(msgspec.Struct):
    began: float
    first: float
    last: float
    taken: int
    written: int


Progress = Callable[[int, int], None]
"""Told of each call that ended: the level's callers, calls done."""


async def measure(
    client: Client, target: Target, plan: Plan, progress: Progress = lambda callers, done: None
) -> list[Level]:
    """One level after the other. Raises BadRequest where the server counts no tokens, and UpstreamError where it cannot be
    reached or no call of a level is answered."""
    words = await _words_for(client, target, plan)
    return [await _level(client, target, plan, words, callers, progress) for callers in plan.levels]


def calls_of(callers: int) -> int:
    """How many calls a level makes."""
    return max(4, callers * ROUNDS)


async def _words_for(client: Client, target: Target, plan: Plan) -> int:
    """How many of our words are so many tokens, by one call; it also warms the server up."""
    dice = random.Random(plan.seed)
    for left in reversed(range(TRIES)):
        try:
            answer = await _ask(client, target, _prompt(dice, FIRST_WORDS), 1)
            break
        except UpstreamError:
            if not left:
                raise
    return max(1, round(plan.input_tokens * FIRST_WORDS / answer.taken))


async def _level(
    client: Client, target: Target, plan: Plan, words: int, callers: int, progress: Progress
) -> Level:  # fmt: skip
    dice = random.Random(f"{plan.seed} {callers}")
    waiting = [_prompt(dice, words) for _ in range(calls_of(callers))]
    answers: list[_Answer] = []
    troubles: list[UpstreamError] = []
    began, busy_until = time.perf_counter(), float("inf")

    async def caller() -> None:
        nonlocal busy_until
        while waiting:
            prompt = waiting.pop()
            try:
                answers.append(await _ask(client, target, prompt, plan.output_tokens))
            except UpstreamError as error:
                troubles.append(error)
            progress(callers, len(answers) + len(troubles))
        busy_until = min(busy_until, time.perf_counter())

    await asyncio.gather(*(caller() for _ in range(callers)))
    if not answers:
        raise troubles[0]
    return _summed(callers, answers, len(troubles), began, busy_until)


def _summed(callers: int, answers: Sequence[_Answer], failures: int, began: float, until: float) -> Level:
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


def _within(answer: _Answer, until: float) -> float:
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


async def _ask(client: Client, target: Target, prompt: str, most: int) -> _Answer:
    """One streamed call. Raises UpstreamError for a refusal or a broken stream, BadRequest where no usage comes."""
    body = msgspec.json.encode(
        {
            "model": target.model, "messages": [{"role": "user", "content": prompt}], "max_tokens": most,
            "stream": True, "stream_options": {"include_usage": True}, **target.more,
        }
    )  # fmt: skip
    headers = [(b"content-type", b"application/json")]
    if target.key:
        headers.append((b"authorization", b"Bearer " + target.key.encode()))
    began = time.perf_counter()
    response = await client.send("POST", f"{target.url.rstrip('/')}/chat/completions", headers, body, target.timeouts)
    if response.status != 200:
        said = _error_of(await response.read(LIMIT), target.key)
        raise UpstreamError(f"the server answers {response.status}{said}")
    first, last, usage, rest = 0.0, 0.0, None, b""
    while chunk := await response.next():
        now = time.perf_counter()
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LIMIT:
            response.abort()
            raise UpstreamError("the server's stream has a line without an end")
        for line in lines:
            event = _event(line)
            if event is None:
                continue
            usage = event.usage or usage
            if any(choice.delta.says_something for choice in event.choices):
                first, last = first or now, now
    if usage is None or not usage.prompt_tokens:
        raise BadRequest("the server reports no usage in streams: nothing can be counted")
    last = last or time.perf_counter()
    return _Answer(began, first or last, last, usage.prompt_tokens, usage.completion_tokens)


class _Error(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def _error_of(body: bytes, key: str) -> str:
    """What the server says is wrong, without the key, which some quote."""
    try:
        message = msgspec.json.decode(body, type=_Refusal).error.message
    except msgspec.MsgspecError:
        return ""
    shown = "".join(char for char in (message.replace(key, "***") if key else message) if char.isprintable())
    return f": {shown[:MOST_SHOWN]}" if shown else ""


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Delta(msgspec.Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None

    @property
    def says_something(self) -> bool:
        return bool(self.content or self.reasoning_content or self.reasoning)


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)


class _Event(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


def _event(line: bytes) -> _Event | None:
    """What a line of the stream says; None for the end, comments and blank lines."""
    name, _, data = line.partition(b":")
    data = data.strip()
    if name != b"data" or data[:1] != b"{":
        return None
    try:
        return msgspec.json.decode(data, type=_Event)
    except msgspec.MsgspecError:
        raise UpstreamError("the server's stream is no JSON") from None
