"""The hosts that are known by name, as data: where they are, what they speak, how they want the key.

A host that is not here works too: `kind = "openai_compatible"` (or `anthropic_compatible`) and a `base_url`.
"""

import msgspec

CHAT = "openai.chat"
RESPONSES = "openai.responses"
EMBEDDINGS = "openai.embeddings"
MESSAGES = "anthropic.messages"
COUNT_TOKENS = "anthropic.count_tokens"


class Host(msgspec.Struct, frozen=True):
    """One provider of models."""

    base_url: str = ""
    """Up to and with the version (`/v1`); empty where it differs for everyone."""
    formats: tuple[str, ...] = (CHAT, EMBEDDINGS)
    auth: str = "bearer"
    """bearer, x-api-key, api-key, none."""
    key_env: str = ""
    """The environment variable that its own SDK reads."""
    prices: str = ""
    """Its name in the rate cards; empty where no price list can be known (own hardware)."""
    dialect: str = ""
    """How its usage differs from the format's own, for `wire/`."""
    models: tuple[str, ...] = ()
    """Patterns of model names that are clearly its own."""
    prefill: str = ""
    """How it goes on with an answer that was begun: `message` (an assistant's message at the end is its beginning),
    `prefix` (the same, and marked), `continue` (vLLM's own fields); empty where it begins anew."""
    drain: bool = False
    """Whether it bills a generation to the end although nobody reads it: then a stream that the client left is read to
    its end, which costs nothing more and gives the exact usage."""


HOSTS: dict[str, Host] = {
    "openai": Host(
        "https://api.openai.com/v1", (CHAT, RESPONSES, EMBEDDINGS), key_env="OPENAI_API_KEY", prices="openai",
        models=("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "text-embedding-*", "ft:gpt-*", "codex-*", "computer-use-*"),
    ),
    "azure": Host("", (CHAT, RESPONSES, EMBEDDINGS), auth="api-key", key_env="AZURE_OPENAI_API_KEY", prices="azure"),
    "anthropic": Host(
        "https://api.anthropic.com/v1", (MESSAGES, COUNT_TOKENS), auth="x-api-key", key_env="ANTHROPIC_API_KEY",
        prices="anthropic", models=("claude-*",), prefill="message",
    ),
    "gemini": Host(
        "https://generativelanguage.googleapis.com/v1beta/openai", key_env="GEMINI_API_KEY", prices="google",
        dialect="gemini", models=("gemini-*", "gemma-*", "gemini-embedding-*"),
    ),
    "deepseek": Host(
        "https://api.deepseek.com/v1", (CHAT,), key_env="DEEPSEEK_API_KEY", prices="deepseek", dialect="deepseek",
        models=("deepseek-chat", "deepseek-reasoner", "deepseek-v*"),
    ),
    "groq": Host(
        "https://api.groq.com/openai/v1", (CHAT, RESPONSES), key_env="GROQ_API_KEY", prices="groq", dialect="groq",
        prefill="message",
    ),
    "mistral": Host(
        "https://api.mistral.ai/v1", key_env="MISTRAL_API_KEY", prices="mistral", dialect="mistral", prefill="prefix",
        models=("mistral-*", "ministral-*", "codestral-*", "magistral-*", "devstral-*", "pixtral-*", "open-mistral-*"),
    ),
    "xai": Host(
        "https://api.x.ai/v1", (CHAT, RESPONSES), key_env="XAI_API_KEY", prices="x-ai", dialect="xai", models=("grok-*",)
    ),
    "together": Host("https://api.together.xyz/v1", key_env="TOGETHER_API_KEY", prices="together", dialect="together"),
    "openrouter": Host(
        "https://openrouter.ai/api/v1", (CHAT, RESPONSES), key_env="OPENROUTER_API_KEY", prices="openrouter",
        dialect="openrouter", prefill="message",
    ),
    "fireworks": Host(
        "https://api.fireworks.ai/inference/v1", key_env="FIREWORKS_API_KEY", prices="fireworks", dialect="fireworks",
        models=("accounts/fireworks/*",),
    ),
    "vllm": Host("", (CHAT, RESPONSES, EMBEDDINGS), dialect="vllm", prefill="continue"),
    "ollama": Host("http://127.0.0.1:11434/v1", auth="none", dialect="ollama"),
    "llamacpp": Host("http://127.0.0.1:8080/v1", auth="none", dialect="llamacpp", prefill="message"),
    "openai_compatible": Host(""),
    "anthropic_compatible": Host("", (MESSAGES, COUNT_TOKENS), auth="x-api-key", prefill="message"),
}  # fmt: skip

PATHS = {
    CHAT: "/chat/completions",
    RESPONSES: "/responses",
    EMBEDDINGS: "/embeddings",
    MESSAGES: "/messages",
    COUNT_TOKENS: "/messages/count_tokens",
}
"""What follows the base URL, by format."""
