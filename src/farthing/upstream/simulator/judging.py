"""How a model compares two answers to the same request: it works out which is right by the task's own answer, and is now and
then wrong, or prefers what stands first, as settings say. Of requests that are no task of the bank it says that both are
the same. Knows nothing of wires.
"""

import random
import re
from typing import Any

from farthing.upstream.simulator import tasks
from farthing.upstream.simulator.settings import SimulatorSettings

VERDICTS = ("first", "second", "same")
_PAIR = re.compile(
    r"<request>\n(?P<request>.*)\n</request>\s+<first>\n(?P<first>.*)\n</first>\s+<second>\n(?P<second>.*)\n</second>",
    re.DOTALL,
)


def field_of(schema: dict[str, Any] | None) -> str:
    """The field of a wanted answer that takes such a verdict; empty if there is none."""
    properties = (schema or {}).get("properties")
    if not isinstance(properties, dict):
        return ""
    asked = (name for name, inner in properties.items() if isinstance(inner, dict) and inner.get("enum") == [*VERDICTS])
    return next(asked, "")


def verdict(prompt: str, settings: SimulatorSettings, dice: random.Random) -> str | None:
    """One of VERDICTS; None if the prompt shows no two answers to a request."""
    found = _PAIR.search(prompt)
    if found is None:
        return None
    biased, wrong = dice.random() < settings.judge_bias, dice.random() < settings.judge_errors
    if biased:
        return VERDICTS[0]
    honest = _honest(*found.group("request", "first", "second"))
    return dice.choice([each for each in VERDICTS if each != honest]) if wrong else honest


def _honest(request: str, first: str, second: str) -> str:
    right = [bool(tasks.is_right(request, each)) for each in (first, second)]
    if right[0] == right[1]:
        return "same"
    return "first" if right[0] else "second"
