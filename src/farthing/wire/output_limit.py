"""A request's limit of output tokens, set or lowered in its bytes; all else stays as it came.

Providers keep to the limit, so that an answer cannot cost more than was set aside for it. No network, no prices.
"""

import re

from farthing.wire import splice
from farthing.wire.translate.reasoning import LEAST_BUDGET, wants_completion_limit

_NAMES: dict[str, tuple[bytes, ...]] = {
    "openai.chat": (b'"max_completion_tokens"', b'"max_tokens"'),
    "openai.responses": (b'"max_output_tokens"',),
    "anthropic.messages": (b'"max_tokens"',),
}
LEAST = {"openai.responses": 16}
"""Providers refuse smaller limits in these formats."""
_THINKING = re.compile(rb'"budget_tokens"\s*:\s*([0-9]{1,9})')
_EFFORT = re.compile(rb'"(?:reasoning_effort|reasoning)"\s*:\s*(?!null|"none")')
THINKING_ROOM = 256
"""Tokens for the answer itself, beyond what a model must have for its thoughts."""


def can_limit(wire: str) -> bool:
    """Whether requests of the format have such a limit."""
    return wire in _NAMES


def with_output_limit(wire: str, body: bytes, tokens: int, model: str) -> bytes:
    """The body with a limit of `tokens` an answer. `model`: what the provider calls it, for hosts differ in the name."""
    names = _NAMES[wire]
    plain = splice.has_plain_names(body)
    value = b"%d" % tokens
    places = [place for name in names if (place := splice.value_span(body, name, plain)) is not None]
    # A null beside a limit says nothing, and must go on saying nothing: hosts refuse two limits at once.
    numbers = [place for place in places if body[place[0] : place[1]] != b"null"] or places[:1]
    if numbers:
        return splice.replace(body, [(*place, value) for place in numbers])
    name = names[0] if len(names) == 1 or wants_completion_limit(model) else names[1]
    start = splice.first_member(body)
    return splice.replace(body, [(start, start, name + b":" + value + b",")])


def least_output(wire: str, body: bytes) -> int:
    """Below this limit providers refuse the request: thoughts that were asked for need room."""
    least = LEAST.get(wire, 1)
    if wire == "anthropic.messages":
        for found in _THINKING.finditer(body):
            least = max(least, int(found[1]) + THINKING_ROOM)
    elif wire == "openai.chat" and body.rfind(b'"reasoning') >= 0 and _EFFORT.search(body) is not None:
        least = LEAST_BUDGET + THINKING_ROOM
    return least
