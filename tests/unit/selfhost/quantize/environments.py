"""Environments of back-ends whose Python is `fake_environment.py`."""

import sys
from pathlib import Path

FAKE = Path(__file__).with_name("fake_environment.py")


def environments(folder: Path, *names: str) -> Path:
    """A Python for each back-end, which works with the tiny model."""
    for name in names or ("llm-compressor", "torchao", "peft"):
        place = folder / name / "bin"
        place.mkdir(parents=True)
        (place / "python").write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
        (place / "python").chmod(0o755)
    return folder
