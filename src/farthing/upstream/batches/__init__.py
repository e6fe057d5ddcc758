"""Providers' batch APIs: create a batch once, find it after a crash, look at it, stream its results."""

from farthing.model.clock import SYSTEM, Clock
from farthing.upstream.batches.anthropic import WIRE, AnthropicBatchApi
from farthing.upstream.batches.api import BatchApi
from farthing.upstream.batches.looking import LAG_S
from farthing.upstream.batches.mistral import MistralBatchApi
from farthing.upstream.batches.openai import OpenAIBatchApi
from farthing.upstream.hosts import HOSTS
from farthing.upstream.providers import Provider

__all__ = ["BatchApi", "batch_api"]


def batch_api(provider: Provider, clock: Clock = SYSTEM, *, lag_s: float = LAG_S) -> BatchApi | None:
    """The batch API of a provider; None where it has none that is known. One for each provider, kept for as long as the
    gateway runs: it remembers what it created and what it learned. `lag_s`: how long `find` goes on looking."""
    for kind in ("openai", "azure", "groq"):
        if provider.host is HOSTS[kind]:
            return OpenAIBatchApi(provider, kind, clock, lag_s)
    if provider.host is HOSTS["anthropic"] and WIRE in provider.formats:
        return AnthropicBatchApi(provider, clock, lag_s)
    if provider.host is HOSTS["mistral"]:
        return MistralBatchApi(provider, clock, lag_s)
    return None
