"""The tools for models, each in an environment of its own: where it is, what it has, what is missing and how to get it.

No two of them share an environment, since each pins another release of the same libraries; and none of them is ever loaded
into Farthing. An environment is a folder with a Python that was made for it, below the user's cache or where
FARTHING_TOOLS says. Knows nothing of what is done with them.
"""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest

HERE = Path(__file__).parent
WORKERS = HERE / "worker"
PLACE = "FARTHING_TOOLS"
"""The variable that names the folder of environments."""
PATIENCE_S = 60.0
"""For an environment's Python to say what it has."""


class Tool(msgspec.Struct, frozen=True):
    """One tool."""

    name: str
    worker: str
    """The module that works with it."""
    about: str
    packages: tuple[str, ...]
    """What must be installed."""
    disk_gb: float
    """Of its environment, without CUDA's libraries."""

    @property
    def requirements(self) -> Path:
        """What is installed, pinned."""
        return HERE / "requirements" / f"{self.name}.txt"


TOOLS = {
    each.name: each
    for each in (
        Tool("torchao", "farthing_worker.torchao_int8", "8 bits, weights alone; the smallest", ("torch", "transformers", "torchao", "gguf"), 1.6),
        Tool("llm-compressor", "farthing_worker.llm_compressor", "W4A16, W8A16, W8A8, FP8, for vLLM and SGLang", ("torch", "transformers", "llmcompressor", "compressed-tensors", "datasets"), 2.0),
        Tool("auto-round", "farthing_worker.auto_round_gguf", "GGUF, for llama.cpp and Ollama", ("torch", "transformers", "auto-round", "gguf", "sentencepiece"), 1.9),
        Tool("peft", "farthing_worker.lora", "training on your own machine (LoRA)", ("torch", "transformers", "peft", "safetensors"), 1.6),
    )
}  # fmt: skip


class Found(msgspec.Struct, frozen=True):
    """What there is of a tool."""

    name: str
    about: str
    python: str
    """The Python of its environment; there or not."""
    versions: dict[str, str]
    missing: tuple[str, ...]
    trouble: str
    """Why its environment could not be asked; empty where it could."""
    install: str
    """The command that installs what is missing."""

    @property
    def is_ready(self) -> bool:
        return not self.missing and not self.trouble


def environments(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all environments."""
    if environ.get(PLACE):
        return Path(environ[PLACE]).absolute()
    cache = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "farthing" / "tools"


def python_of(tool: Tool, folder: Path) -> Path:
    """Not resolved: a link to the base Python would lose the environment."""
    return folder / tool.name / "bin" / "python"


async def probe(tool: Tool, folder: Path) -> Found:
    """What is installed, as its own Python says; nothing is raised."""
    python = python_of(tool, folder)
    versions: dict[str, str] = {}
    trouble = ""
    if not python.exists():
        trouble = "there is no environment for it"
    else:
        try:
            versions = await _versions(python, tool.packages)
        except (OSError, ValueError, LookupError, TypeError, TimeoutError) as error:
            trouble = f"its environment does not answer: {str(error) or type(error).__name__}"
    missing = tuple(each for each in tool.packages if not versions.get(each))
    install = shlex.join(["farthing", "selfhost", "tools", "--install", tool.name])
    return Found(tool.name, tool.about, str(python), versions, missing, trouble, install)


async def ready(tool: Tool, folder: Path) -> Found:
    """As `probe`. Raises BadRequest, with the command that mends it, for what is not ready."""
    found = await probe(tool, folder)
    if found.is_ready:
        return found
    why = found.trouble or f"packages are missing ({', '.join(found.missing)})"
    raise BadRequest(f"{tool.name} is not ready: {why} in {folder}\nGet it with: {found.install}")


async def _versions(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        str(python), "-m", "farthing_worker.probe", *packages, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    found = json.loads(out)["packages"]
    return {str(name): str(version) for name, version in found.items()}


def install_commands(tool: Tool, folder: Path) -> list[list[str]]:
    """What makes the environment: with pip, as this machine has it set up."""
    place = folder / tool.name
    return [
        [sys.executable, "-m", "venv", str(place)],
        [str(python_of(tool, folder)), "-m", "pip", "install", "--requirement", str(tool.requirements)],
    ]


_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "XDG_CACHE_HOME")


def environment(threads: int = 0) -> dict[str, str]:
    """The variables of a worker: none of Farthing's keys, and no hub."""
    passed = {
        name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(("CUDA", "NVIDIA"))
    }
    offline = dict.fromkeys(
        ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"), "1"
    )
    more = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    return {
        **passed, **offline, **more, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(WORKERS),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1",
    }  # fmt: skip
