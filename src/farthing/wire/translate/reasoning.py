"""How hard a model shall think: chat's `reasoning_effort` against Messages' `thinking` and `output_config.effort`.

The two formats say it differently, and models differ in what they take; the few facts about model names that this needs
are here and nowhere else. Each list is of generations that are complete, or fails towards leaving the model's default.
"""

import re

OUTPUT_ROOM = 8192
"""Tokens of answer that a chat request without a limit may bring from a Messages provider, which demands one. Every
Claude that is still served can write as much; an answer that needs more ends with finish_reason `length`."""

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 20480, "max": 23552}
"""Tokens of thinking that stand for an effort where a budget must be named, and the room that is left for them; the
largest and OUTPUT_ROOM together stay below the 32,000 that the smallest Claude with thinking may write."""

LEAST_BUDGET = 1024
"""The smallest budget that Messages takes."""

CLAUDE_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
"""Messages has nothing below low."""

_BUDGET_CLAUDES = re.compile(
    r"claude-(?:instant|[123](?!\d)|v[12]|(?:opus|sonnet|haiku)-4(?:$|[-@.:](?:0|1|5|20\d{6})(?!\d)))"
)
"""The generations of Claude before adaptive thinking, which want a budget in tokens: all until 4.5."""

_EFFORT_MODELS = re.compile(
    r"(?:^|[/._-])(?:o[1-9](?:$|[-_.])|gpt-?(?:[5-9]|1\d)(?!.*chat)|gpt-oss|codex|gemini-(?:2\.5|[3-9])|grok-3-mini)"
)
"""Models that are known to take `reasoning_effort`. Others may answer 400 to it, so they get none."""

_COMPLETION_LIMIT_MODELS = re.compile(r"(?:^|[/._-])(?:o[1-9](?:$|[-_.])|gpt-?(?:[5-9]|1\d)|codex)")
"""Models that refuse `max_tokens` and want `max_completion_tokens`; every other host knows `max_tokens`."""


def wants_budget(claude: str) -> bool:
    return _BUDGET_CLAUDES.search(claude) is not None


def takes_effort(model: str) -> bool:
    return _EFFORT_MODELS.search(model) is not None


def wants_completion_limit(model: str) -> bool:
    return _COMPLETION_LIMIT_MODELS.search(model) is not None


def effort_of_budget(tokens: int) -> str:
    """The nearest of low, medium and high, which every model with reasoning knows."""
    if tokens <= BUDGETS["low"]:
        return "low"
    return "medium" if tokens <= BUDGETS["medium"] else "high"
