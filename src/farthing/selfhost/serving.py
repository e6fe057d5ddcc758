"""How an own model is served, and what the settings need to send calls there. Nothing is started here."""

import re
import shlex

import msgspec

PORTS = {"vllm": 8000, "sglang": 30000, "llama.cpp": 8080, "ollama": 11434}
"""Where each listens by default."""
KINDS = {"vllm": "vllm", "sglang": "openai_compatible", "llama.cpp": "llamacpp", "ollama": "ollama"}
"""What a provider at each is called in the settings."""


class Served(msgspec.Struct, frozen=True):
    """Where the model will be and under which name."""

    engine: str
    model: str
    """The name that callers use."""
    served: str
    """The name there."""
    where: str
    """The folder, or the file of a GGUF."""
    parallel: int = 1
    on_cpu: bool = False
    tokenizer: str = ""
    """The folder of the model as it was, for vLLM, which wants it beside a GGUF."""


class Use(msgspec.Struct, frozen=True):
    """How a model that was made is used, as its report has it."""

    served: str
    """Its name at the engine."""
    command: str
    """For a shell."""
    provider: dict[str, str]
    """The table `[providers.NAME]`."""
    deployment: dict[str, str | bool]
    """An entry of `[[models.NAME.deployments]]`."""
    settings: str
    """Both, for farthing.toml."""
    card: str
    """The file of its model card."""


def command(served: Served) -> str:
    """For a shell."""
    port = str(PORTS[served.engine])
    if served.engine == "vllm":
        words = ["vllm", "serve", served.where, "--served-model-name", served.served, "--port", port]
        words += ["--tokenizer", served.tokenizer] if served.tokenizer else []
        words += ["--tensor-parallel-size", str(served.parallel)] if served.parallel > 1 else []
    elif served.engine == "sglang":
        words = ["python", "-m", "sglang.launch_server", "--model-path", served.where, "--served-model-name", served.served, "--port", port]  # fmt: skip
        words += ["--tp", str(served.parallel)] if served.parallel > 1 else []
    elif served.engine == "llama.cpp":
        words = ["llama-server", "--model", served.where, "--alias", served.served, "--port", port]
        words += [] if served.on_cpu else ["--n-gpu-layers", "999"]
    else:
        file = f"FROM {served.where}"
        return f"printf '%s\\n' {shlex.quote(file)} > Modelfile && {shlex.join(['ollama', 'create', served.served, '-f', 'Modelfile'])}"
    return shlex.join(words)


def provider_name(served: Served) -> str:
    """Of its own for each model, since each has a server of its own: `own-llama-8b`."""
    return f"own-{re.sub(r'[^a-z0-9]+', '-', served.model.lower()).strip('-').removeprefix('own-') or 'model'}"


def provider(served: Served) -> dict[str, str]:
    """The table `[providers.NAME]`."""
    return {"kind": KINDS[served.engine], "base_url": f"http://127.0.0.1:{PORTS[served.engine]}/v1"}


def deployment(served: Served) -> dict[str, str | bool]:
    """An entry of `[[models.NAME.deployments]]`; own capacity is paid for anyway, so it is filled first."""
    return {"provider": provider_name(served), "model": served.served, "reserved": True}
