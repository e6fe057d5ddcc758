"""`farthing` and Python as processes that divide from one that has loaded everything: most of what a command of ours takes is
imports, and tests start hundreds. Each is a process of its own, with its own folder, environment, input and output, and gets
signals as any other. Knows nothing of tests.

The one that divides itself:  python warm.py SOCKET   until its input ends
For shells:                   a copy of CALL, as `farthing` and as `python-block` (with the code as its argument)
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any

FARTHING, BLOCK, SCRIPT = "farthing", "python-block", "python"
"""The programs: the command line, code, a file with its arguments."""
NOT_LOADED = ("__init__", "demo")
"""Of the command line: this one alone takes longer than all others."""
PATIENCE_S = 120.0

CALL = """#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    name = os.path.basename(sys.argv[0])
    said = json.dumps([[name, *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(asked, [len(said).to_bytes(8, "big")], [0, 1, 2])
    asked.sendall(said)
    code = int(asked.makefile().read().split()[1])
    sys.exit(code if code >= 0 else 128 - code)
"""


class Process:
    """One that was divided off, to be dealt with as with a `subprocess.Popen`."""

    def __init__(
        self, address: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], given: list[int]
    ) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        self._reading = threading.Lock()
        self._asked = socket.socket(socket.AF_UNIX)
        self._asked.settimeout(PATIENCE_S)
        self._asked.connect(address)
        said = json.dumps([self.args, str(cwd), dict(env)]).encode()
        socket.send_fds(self._asked, [len(said).to_bytes(8, "big")], given)
        self._asked.sendall(said)
        self._said = b""
        while b"\n" not in self._said:
            self._hear()
        self.pid = int(self._said.split()[0])

    def poll(self) -> int | None:
        with self._reading:
            if self.returncode is None:
                # Of one that is quick, its end may have been heard of together with its beginning.
                if self._said.count(b"\n") < 2 and wait([self._asked], 0):
                    self._hear()
                if self._said.count(b"\n") == 2:
                    self.returncode = int(self._said.split()[1])
                    self._asked.close()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        until = time.monotonic() + timeout if timeout is not None else None
        while (code := self.poll()) is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            with contextlib.suppress(ValueError, OSError):  # another thread has just heard of its end
                wait([self._asked], left)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _hear(self) -> None:
        heard = self._asked.recv(64)
        assert heard, "the process that divides itself is gone"
        self._said += heard


class Warm:
    """A process that has loaded everything, and divides itself."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self.address = f"{self._folder.name}/socket"
        self._process = subprocess.Popen([sys.executable, __file__, self.address], stdin=subprocess.PIPE, cwd="/")
        until = time.monotonic() + PATIENCE_S
        while not Path(self.address).exists():
            assert self._process.poll() is None and time.monotonic() < until, (
                "the process that divides itself did not start"
            )
            time.sleep(0.01)

    def start(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], stdout: int | IO[Any] = subprocess.DEVNULL,
        stderr: int | IO[Any] = subprocess.DEVNULL,
    ) -> Process:  # fmt: skip
        """A program and its arguments. `stdout` and `stderr`: something with a descriptor, one, or subprocess.DEVNULL."""
        with open(os.devnull, "r+b") as nothing:
            given = [nothing.fileno() if each == subprocess.DEVNULL else _descriptor(each) for each in (stdout, stderr)]
            return Process(self.address, arguments, cwd, env, [nothing.fileno(), *given])

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[str]:
        """The same to its end, with what it wrote. Raises subprocess.TimeoutExpired."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(arguments, cwd, env, out, err)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            return subprocess.CompletedProcess(process.args, code, _text(out), _text(err))

    def programs(self, folder: Path) -> Path:
        """A folder with `farthing` and `python-block`, to be the first of a PATH."""
        for name in (FARTHING, BLOCK):
            (folder / name).write_text(CALL.format(python=sys.executable, address=self.address), encoding="utf-8")
            (folder / name).chmod(0o755)
        return folder

    def close(self) -> None:
        self._process.communicate(timeout=PATIENCE_S)
        self._folder.cleanup()


@cache
def warm() -> Warm:
    """The one of this process, from its first use on."""
    return Warm()


def close() -> None:
    """Ends the one of this process, if there is one, and whatever divided from it and still runs."""
    if warm.cache_info().currsize:
        warm().close()
        warm.cache_clear()


def _descriptor(file: int | IO[Any]) -> int:
    return file if isinstance(file, int) else file.fileno()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8").replace("\r\n", "\n")


class Divider:
    """Divides this process for each that asks, and tells it of the end."""

    def __init__(self, address: str) -> None:
        self._running: dict[int, socket.socket] = {}
        self._looks = selectors.DefaultSelector()
        self._ended, told = socket.socketpair()
        self._told = told
        for end in (self._ended, told):
            end.setblocking(False)
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(f"{address}.new")
        self._door.listen(64)
        self._looks.register(self._door, selectors.EVENT_READ, self._divide)
        self._looks.register(self._ended, selectors.EVENT_READ, self._reap)
        self._looks.register(0, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(told.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.rename(f"{address}.new", address)

    def serve(self) -> Callable[[], int] | None:
        """Until the input ends; what divides returns with what it is to do."""
        while True:
            for key, _ in self._looks.select():
                if key.data is None:
                    for pid in self._running:
                        os.kill(pid, signal.SIGKILL)
                    return None
                work: Callable[[], int] | None = key.data()
                if work is not None:
                    return work

    def _divide(self) -> Callable[[], int] | None:
        asked, _ = self._door.accept()
        length, given, _, _ = socket.recv_fds(asked, 8, 3)
        arguments, folder, variables = json.loads(asked.makefile("rb").read(int.from_bytes(length, "big")))
        _load(arguments[0])
        pid = os.fork()
        if pid:
            self._running[pid] = asked
            for each in given:
                os.close(each)
            _tell(asked, pid)
            return None
        self._let_go()
        asked.close()
        for at, each in enumerate(given):
            os.dup2(each, at)
            os.close(each)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        time.tzset()
        return lambda: _ended(arguments)

    def _let_go(self) -> None:
        """In what was divided off: nothing here is its own. Ctrl-C works, whatever it did for who started the tests."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._looks.close()
        for each in (self._door, self._ended, self._told, *self._running.values()):
            each.close()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._ended.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                asked = self._running.pop(pid)
                _tell(asked, os.waitstatus_to_exitcode(status))
                asked.close()


def _tell(asked: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # who asked does not care any more
        asked.sendall(b"%d\n" % number)


@cache
def _load(program: str) -> None:
    """Before it divides: what each of a kind needs."""
    if program == BLOCK:
        for name in ("openai", "anthropic"):
            importlib.import_module(name)
    main = importlib.import_module("farthing.cli.main")
    for path in sorted(Path(main.__file__ or "").parent.glob("*.py")):
        if path.stem not in NOT_LOADED:
            importlib.import_module(f"farthing.cli.{path.stem}")
    gc.collect()
    gc.freeze()


def _ended(arguments: list[str]) -> int:
    """The exit code of what was asked for."""
    sys.argv = arguments
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
    return code


def _run() -> None:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module  # where a block's classes say that they are from
    if sys.argv[0] == FARTHING:
        sys.modules["farthing.cli.main"].main()
    elif sys.argv[0] == BLOCK:
        exec(compile(sys.argv[1], "block", "exec"), module.__dict__)
    else:
        sys.argv.pop(0)
        sys.path.insert(0, str(Path(sys.argv[0]).parent))
        runpy.run_path(sys.argv[0], run_name="__main__")


def _leave(code: int) -> None:
    """As Python does, but for taking the modules apart one by one, which takes longer than most commands do."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError, io.UnsupportedOperation):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _load(FARTHING)
    if (work := Divider(sys.argv[1]).serve()) is not None:
        _leave(work())
