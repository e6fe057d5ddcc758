"""Which price list a call is of: from what a log calls the provider, and from how the model is named.

Tools write the provider before the model (`azure/gpt-4o`, `bedrock/anthropic.claude-...`), beside it, or not at all. Rate
cards have one name for each. What is not known stays empty.
"""

from fnmatch import fnmatchcase
from functools import lru_cache

from farthing.upstream.hosts import HOSTS

_WORDS = {
    "openai": "openai", "azure": "azure", "azure_ai": "azure", "azure_openai": "azure", "azure.ai.openai": "azure",
    "azure.ai.inference": "azure", "az.ai.openai": "azure", "az.ai.inference": "azure", "text-completion-openai": "openai",
    "anthropic": "anthropic", "claude": "anthropic", "bedrock": "aws", "bedrock_converse": "aws", "aws": "aws",
    "aws.bedrock": "aws", "aws_bedrock": "aws", "amazon": "aws", "amazon_bedrock": "aws", "sagemaker": "aws",
    "vertex_ai": "google", "vertexai": "google", "vertex": "google", "vertex_ai_beta": "google", "google": "google",
    "gemini": "google", "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "google_genai": "google",
    "google_vertexai": "google", "google_ai_studio": "google", "xai": "x-ai", "x_ai": "x-ai", "x-ai": "x-ai", "groq": "groq",
    "mistral": "mistral", "mistral_ai": "mistral", "mistralai": "mistral", "codestral": "mistral", "deepseek": "deepseek",
    "cohere": "cohere", "cohere_chat": "cohere", "perplexity": "perplexity", "openrouter": "openrouter",
    "together": "together", "together_ai": "together", "togetherai": "together", "fireworks": "fireworks",
    "fireworks_ai": "fireworks", "cerebras": "cerebras", "voyage": "voyageai", "voyageai": "voyageai",
    "moonshot": "moonshotai", "moonshotai": "moonshotai", "moonshot_ai": "moonshotai", "zai": "zai", "z_ai": "zai",
    "z.ai": "zai", "ollama": "ollama", "ollama_chat": "ollama", "vllm": "vllm", "hosted_vllm": "vllm",
    "llamafile": "llamacpp", "lm_studio": "lm_studio",
}  # fmt: skip

_PATTERNS = (
    *((pattern, host.prices) for host in HOSTS.values() if host.prices for pattern in host.models),
    ("o1", "openai"), ("o3", "openai"), ("o4-*", "openai"), ("ada", "openai"), ("davinci*", "openai"),
    ("anthropic.*", "aws"), ("*.anthropic.*", "aws"), ("amazon.*", "aws"), ("*.amazon.*", "aws"), ("meta.*", "aws"),
    ("*.meta.*", "aws"), ("cohere.*", "aws"), ("command-*", "cohere"), ("embed-*", "cohere"), ("rerank-*", "cohere"),
    ("sonar*", "perplexity"), ("voyage-*", "voyageai"), ("kimi-*", "moonshotai"), ("glm-*", "zai"), ("deepseek-*", "deepseek"),
)  # fmt: skip


@lru_cache(maxsize=4096)
def place_of(provider: str, model: str) -> tuple[str, str]:
    """The provider as rate cards name it, and the model as the provider does. What no list knows keeps its word."""
    word = provider.strip().lower().replace(" ", "_")
    known = _WORDS.get(word, "")
    first, slash, rest = model.partition("/")
    if slash and known != "openrouter":
        prefix = _WORDS.get(first.lower(), "")
        if prefix and (not known or prefix == known):
            known = prefix
            model = _region_off(rest) if prefix == "aws" else rest
    if not known and not word:
        known = _by_model(model)
    return known or word, model


def _region_off(model: str) -> str:
    """`bedrock/us-east-1/anthropic.claude-...` and `bedrock/converse/...` name a region or a way first."""
    first, slash, rest = model.partition("/")
    return rest if slash and "." not in first else model


def _by_model(model: str) -> str:
    lower = model.lower().removeprefix("models/")
    return next((provider for pattern, provider in _PATTERNS if fnmatchcase(lower, pattern)), "")


@lru_cache(maxsize=1024)
def wire_of(provider: str, kind: str = "") -> str:
    """The format that calls of such a kind (a call type or path) speak at the provider; empty where that is not clear."""
    lower = kind.lower()
    if "embedding" in lower:
        return "openai.embeddings"
    if "response" in lower:
        return "openai.responses"
    if ("messages" in lower and "anthropic" in lower) or lower.endswith("/v1/messages"):
        return "anthropic.messages"
    if any(word in lower for word in ("image", "transcription", "speech", "rerank", "moderation", "audio")):
        return ""
    return "openai.chat" if lower or provider else ""
