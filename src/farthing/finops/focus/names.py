"""What providers, services and makers of models are called in bills."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple


class Seller(NamedTuple):
    """Who provides a service, and what it is called."""

    provider: str
    service: str


FARTHING = Seller("Farthing", "Farthing Gateway")
"""Calls that went to no provider: answered from the cache, or refused."""

_SELLERS = {
    "openai": Seller("OpenAI", "OpenAI API"),
    "azure": Seller("Microsoft", "Azure OpenAI"),
    "anthropic": Seller("Anthropic", "Claude API"),
    "gemini": Seller("Google", "Gemini API"),
    "vertex": Seller("Google", "Vertex AI"),
    "bedrock": Seller("Amazon Web Services", "Amazon Bedrock"),
    "deepseek": Seller("DeepSeek", "DeepSeek API"),
    "groq": Seller("Groq", "GroqCloud"),
    "mistral": Seller("Mistral AI", "La Plateforme"),
    "xai": Seller("xAI", "xAI API"),
    "together": Seller("Together AI", "Together AI"),
    "openrouter": Seller("OpenRouter", "OpenRouter"),
    "fireworks": Seller("Fireworks AI", "Fireworks AI"),
    "vllm": Seller("Self-hosted", "vLLM"),
    "ollama": Seller("Self-hosted", "Ollama"),
    "llamacpp": Seller("Self-hosted", "llama.cpp"),
}

_MAKERS = (
    (("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "text-embedding-*", "codex-*", "whisper*", "dall-e*"), "OpenAI"),
    (("claude*",), "Anthropic"),
    (("gemini*", "gemma*"), "Google"),
    (("*llama*",), "Meta"),
    (("*mistral*", "*mixtral*", "ministral*", "codestral*", "pixtral*", "magistral*"), "Mistral AI"),
    (("deepseek*",), "DeepSeek"),
    (("grok*",), "xAI"),
    (("qwen*", "qwq*"), "Alibaba Cloud"),
    (("kimi*",), "Moonshot AI"),
    (("glm*",), "Z.ai"),
    (("command*", "embed-*", "rerank-*"), "Cohere"),
)


def seller_of(provider: str, kinds: Mapping[str, str]) -> Seller:
    """By the provider's name in the settings; `kinds` say which host a name stands for."""
    if not provider:
        return FARTHING
    return _SELLERS.get(kinds.get(provider, "") or provider) or Seller(provider, provider)


@lru_cache(4096)
def maker_of(model: str, seller: Seller) -> str:
    """Who made a model; the provider where its name does not say."""
    name = model.lower().rpartition("/")[2]
    return next((maker for names, maker in _MAKERS if any(fnmatchcase(name, each) for each in names)), seller.provider)
