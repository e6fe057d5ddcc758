"""`farthing` and Python for the blocks of pages, as processes that divide from one that has loaded everything: most of what a
command of ours takes is imports, and pages have hundreds. Each is a process of its own, with its own folder, environment,
input and output. Knows nothing of pages.

The one that divides itself:  python warm.py SOCKET
What stands on the PATH:      a copy of CALL, as `farthing` and as `python-block` (with the code as its argument)
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
import types
from collections.abc import Iterator
from pathlib import Path

LOADED = ("openai", "anthropic", "farthing.cli.main")
NOT_LOADED = ("__init__", "up", "demo", "simulate", "dashboard")
"""Commands that serve are started as people start them."""

CALL = """#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    socket.send_fds(asked, [b"+"], [0, 1, 2])
    name = os.path.basename(sys.argv[0])
    asked.sendall(json.dumps([[name, *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode())
    asked.shutdown(socket.SHUT_WR)
    sys.exit(int(asked.recv(16) or b"70"))
"""


@contextlib.contextmanager
def warm(folder: Path, env: dict[str, str]) -> Iterator[Path]:
    """A folder with `farthing` and `python-block`, to be the first of a PATH."""
    address = str(folder / "socket")
    for name in ("farthing", "python-block"):
        (folder / name).write_text(CALL.format(python=sys.executable, address=address), encoding="utf-8")
        (folder / name).chmod(0o755)
    process = subprocess.Popen([sys.executable, __file__, address], env=env)
    try:
        while not Path(address).exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield folder
    finally:
        process.terminate()
        process.wait(20)


def serve(address: str) -> None:
    """Load, then divide for each that asks."""
    for name in LOADED:
        importlib.import_module(name)
    for path in sorted(Path(sys.modules["farthing.cli.main"].__file__ or "").parent.glob("*.py")):
        if path.stem not in NOT_LOADED:
            importlib.import_module(f"farthing.cli.{path.stem}")
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{address}.new")
        door.listen(16)
        os.rename(f"{address}.new", address)
        signal.signal(signal.SIGCHLD, _reap)
        while True:
            asked, _ = door.accept()
            with asked:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    door.close()
                    code = _ended(asked)
                    asked.sendall(str(code).encode())
                    os._exit(code)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _ended(asked: socket.socket) -> int:
    """The exit code of what was asked for; the modules are not taken apart one by one, as this takes longer than most do."""
    _, given, _, _ = socket.recv_fds(asked, 1, 3)
    sys.argv, folder, variables = json.loads(asked.makefile("rb").read())
    for at, each in enumerate(given):
        os.dup2(each, at)
        os.close(each)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    code = 0
    try:
        _run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    return code


def _run() -> None:
    if sys.argv[0] == "farthing":
        sys.modules["farthing.cli.main"].main()
    else:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module  # where a block's classes say that they are from
        exec(compile(sys.argv[1], "block", "exec"), module.__dict__)


if __name__ == "__main__":
    serve(sys.argv[1])
