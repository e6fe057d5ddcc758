"""The provider behind the wires: what it knows (caches, limits, bill) and how it works a call, without any HTTP."""

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import count

import msgspec

from farthing.upstream.simulator import answers, latency, seeds
from farthing.upstream.simulator.answers import Mind, Reply
from farthing.upstream.simulator.bill import Bill
from farthing.upstream.simulator.faults import Faults, Plan
from farthing.upstream.simulator.latency import Pace
from farthing.upstream.simulator.models import TUNED
from farthing.upstream.simulator.prompt_cache import CacheUse, Names, PromptCaches
from farthing.upstream.simulator.rate_limits import RateLimits, Verdict, anthropic_headers, openai_headers
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.upstream.simulator.tasks import Skills
from farthing.upstream.simulator.wire import Asked, Json, Refusal, Spent, Wire


class Work(msgspec.Struct):
    """A call that was worked."""

    asked: Asked
    replies: list[Reply]
    spent: Spent
    """What is billed."""
    told: Spent | None
    """What the answer says is billed."""
    pace: Pace
    headers: dict[str, str]


class Provider:
    """One simulated provider, for every key and model. `clock` gives Unix seconds."""

    def __init__(
        self, settings: SimulatorSettings, clock: Callable[[], float] = time.time, names: Names | None = None
    ) -> None:
        """`names`: who names the prefixes of prompts. Raises UnknownFault."""
        self.settings = settings
        self.clock = clock
        self.caches = PromptCaches(clock, names=names)
        self.limits = RateLimits(settings.requests_per_minute, settings.tokens_per_minute, clock)
        self.faults = Faults(settings.faults, settings.seed)
        self.bill = Bill(settings.bill_kept)
        self.skills = Skills(settings.skills)
        self._mind = Mind(settings, self.skills)
        self._numbers = count(1)

    def number(self) -> int:
        """Of a request, from 1 on."""
        return next(self._numbers)

    def name(self, length: int, *parts: object) -> str:
        return seeds.name(length, self.settings.seed, *parts)

    def serves(self, model: str) -> bool:
        """Whether a model of a customer's own is there; all others are."""
        return not model.startswith(TUNED) or model in self.skills.tuned

    def work(
        self, wire: Wire, body: Json, key: str, number: int, plan: Plan, *, batch: bool = False, context: int = 0
    ) -> Work:  # fmt: skip
        """Raises Refusal. `key` tells customers apart. `context`: tokens of the prompt that lie in a context."""
        check_fields(wire, body, self.settings.strict)
        asked = wire.read(body)
        asked.id = wire.id_prefix + self.name(24, number)
        asked.created = int(self.clock())
        model = asked.question.model
        if not self.serves(model.id):
            message = f"The model `{model.id}` does not exist or you do not have access to it."
            raise Refusal(404, "invalid_request_error", message, code="model_not_found")
        headers = {} if batch else self._admit(wire, key, asked)
        if batch and wire.family == "anthropic":
            asked.tier = "batch"
        dice = seeds.dice(self.settings.seed, "pace", model.id, asked.question.context)
        replies = (
            [Reply(finish="filter") for _ in range(asked.choices)]
            if plan.has("content-filter")
            else [answers.answer(asked.question, self._mind, at) for at in range(asked.choices)]
        )
        delay = latency.pace(model, asked.prompt, dice, self.settings.latency).first
        cache = self.cache(key, asked, delay) if not context else CacheUse(read=context)
        pace = latency.pace(model, asked.prompt - cache.read, dice, self.settings.latency)
        spent = Spent(
            prompt=asked.prompt,
            cache=cache,
            audio=asked.audio,
            output=sum(reply.output for reply in replies),
            reasoning=sum(reply.reasoning for reply in replies),
        )
        return Work(asked, replies, spent, told(spent, plan), pace, headers)

    def _admit(self, wire: Wire, key: str, asked: Asked) -> dict[str, str]:
        verdict = self.limits.take(key, asked.question.model.id, asked.prompt + (asked.question.max_output or 0))
        headers = openai_headers(verdict) if wire.family == "openai" else anthropic_headers(verdict)
        if verdict.refused:
            raise rate_limited(wire.family, asked.question.model.id, verdict, headers)
        return headers

    def cache(self, key: str, asked: Asked, delay: float) -> CacheUse:
        """What a prompt reads from the cache, and writes to it."""
        model = asked.question.model
        scope = f"{key}\0{model.id}\0{asked.scope}"
        if model.cache == "marks":
            return self.caches.marks(scope, asked.blocks, least=model.cache_min, delay=delay)
        if model.cache == "breakpoints":
            return self.caches.breakpoints(scope, asked.ids, asked.points, least=model.cache_min, delay=delay)
        if model.cache == "none":
            return CacheUse()
        if model.cache == "chance":
            used = self.caches.blocks(scope, asked.ids, least=model.cache_min, delay=delay)
            lucky = seeds.dice(self.settings.seed, "luck", asked.id).random() < self.settings.chance_of_reading
            return used if lucky else CacheUse()
        step, retention = (64, "24h") if model.cache == "units" else (128, asked.retention or model.retention)
        return self.caches.blocks(scope, asked.ids, least=model.cache_min, step=step, retention=retention, delay=delay)


def told(spent: Spent, plan: Plan) -> Spent | None:
    """What the answer says was spent."""
    if plan.has("missing-usage"):
        return None
    if plan.has("zero-usage"):
        return Spent(prompt=0)
    factor = plan.get("lying-usage")
    return spent if factor is None else spent.times(factor)


def key_of(secret: str) -> str:
    """Tells keys apart without keeping them."""
    return blake2b(secret.encode("utf-8", "replace"), digest_size=8).hexdigest()


def rate_limited(family: str, model: str, verdict: Verdict, headers: dict[str, str]) -> Refusal:
    seconds = max(1, int(-(-verdict.wait // 1)))
    wait = {"retry-after": str(seconds), **headers}
    bucket = verdict.requests if verdict.refused == "requests" else verdict.tokens
    if family == "anthropic":
        message = (
            f"This request would exceed your organization's rate limit of {bucket.limit} {verdict.refused} per minute."
        )
        return Refusal(429, "rate_limit_error", message, headers=wait)
    short = "RPM" if verdict.refused == "requests" else "TPM"
    message = (
        f"Rate limit reached for {model} in organization org-simulator on {verdict.refused} per min ({short}): Limit "
        f"{bucket.limit}, Used {bucket.limit - int(bucket.left)}. Please try again in {verdict.wait:.3f}s."
    )
    wait["retry-after-ms"] = str(int(verdict.wait * 1000) + 1)
    return Refusal(429, verdict.refused, message, code="rate_limit_exceeded", headers=wait)


def check_fields(wire: Wire, body: Json, strict: bool) -> None:
    """The types of the fields that the provider knows; with `strict`, that there are no others. Raises Refusal."""
    for name, what in body.items():
        kinds = wire.known.get(name)
        if kinds is None and strict:
            raise _wrong(
                wire, name, "Extra inputs are not permitted", f"Unrecognized request argument supplied: {name}"
            )
        if kinds is not None and what is not None and not isinstance(what, kinds):
            raise _wrong(wire, name, "Input has the wrong type", f"Invalid type for '{name}'.")


def _wrong(wire: Wire, name: str, anthropic: str, openai: str) -> Refusal:
    if wire.family == "anthropic":
        return Refusal(400, "invalid_request_error", f"{name}: {anthropic}")
    return Refusal(400, "invalid_request_error", openai, param=name, code="invalid_type")


def visible(replies: Sequence[Reply]) -> int:
    """Tokens of the output that a client sees."""
    return sum(reply.output - reply.reasoning for reply in replies)
