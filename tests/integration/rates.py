"""What calls should cost, worked out apart from the product: published list rates, and the usage that an SDK shows.

Dollars per 1M tokens, as the providers' pricing pages have them for the standard tier. Amounts are nano-dollars.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

RATES: dict[str, dict[str, str]] = {
    "gpt-4o-mini": {"input": "0.15", "cached": "0.075", "output": "0.60"},
    "gpt-4o": {"input": "2.50", "cached": "1.25", "output": "10.00"},
    "gpt-4o-audio-preview": {"input": "2.50", "output": "10.00", "audio": "40.00"},
    "gpt-4.1": {"input": "2.00", "cached": "0.50", "output": "8.00"},
    "gpt-4.1-mini": {"input": "0.40", "cached": "0.10", "output": "1.60"},
    "gpt-4.1-nano": {"input": "0.10", "cached": "0.025", "output": "0.40"},
    "gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"},
    "text-embedding-3-small": {"input": "0.02"},
    "claude-3-5-haiku": {"input": "0.80", "cached": "0.08", "w5m": "1.00", "w1h": "1.60", "output": "4.00"},
    "claude-haiku-4-5": {"input": "1.00", "cached": "0.10", "w5m": "1.25", "w1h": "2.00", "output": "5.00"},
    "claude-sonnet-5": {"input": "2.00", "cached": "0.20", "w5m": "2.50", "w1h": "4.00", "output": "10.00"},
}


def nano(model: str, **counts: int) -> int:
    """Nano-dollars of so many tokens of each class, rounded once, half to even."""
    exact = sum((Decimal(RATES[model][name]) * count * 1000 for name, count in counts.items() if count), Decimal(0))
    return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


def of_chat(model: str, usage: Any) -> int:
    """The price of a chat completion's usage: cached tokens and audio are inside the prompt."""
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details else 0
    audio = (details.audio_tokens or 0) if details else 0
    plain = usage.prompt_tokens - cached - audio
    return nano(model, input=plain, cached=cached, audio=audio, output=usage.completion_tokens)


def of_response(model: str, usage: Any) -> int:
    """The price of a response's usage."""
    cached = usage.input_tokens_details.cached_tokens if usage.input_tokens_details else 0
    return nano(model, input=usage.input_tokens - cached, cached=cached, output=usage.output_tokens)


def of_message(model: str, usage: Any) -> int:
    """The price of a message's usage: cached tokens are beside the input."""
    written = usage.cache_creation_input_tokens or 0
    split = usage.cache_creation
    w1h = split.ephemeral_1h_input_tokens if split else 0
    return nano(
        model, input=usage.input_tokens, cached=usage.cache_read_input_tokens or 0, w5m=written - w1h, w1h=w1h,
        output=usage.output_tokens,
    )  # fmt: skip


def of_embeddings(model: str, usage: Any) -> int:
    return nano(model, input=usage.prompt_tokens)
