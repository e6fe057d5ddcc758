"""The reference says what the code does."""

import os
import subprocess
from pathlib import Path

from warm import SCRIPT, warm

ROOT = Path(__file__).parents[2]


def test_no_page_has_drifted_from_the_code() -> None:
    done = warm().run([SCRIPT, f"{ROOT}/tools/reference.py", "--check"], ROOT, os.environ)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_makefile_tells_of_its_targets() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "check", "bench", "help"):
        assert f"make {target} " in done.stdout
