"""The real gateway in a process of its own, as `farthing up --config FILE` starts it, and the commands beside it. Processes
divide from one that has loaded everything, unless a test asks for a start from nothing."""

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import httpx2

from warm import SCRIPT, Process, warm
from written import wait_until_written

FARTHING = str(Path(sys.executable).with_name("farthing"))
PATIENCE_S = 120.0


class Command(NamedTuple):
    """A command that runs beside a test, and the files that it writes to."""

    process: Process
    out: IO[str]
    err: IO[str]

    def says(self, words: str) -> None:
        """Wait until these words are among its messages."""
        eventually(lambda: words in self.said(), f"the command says {words!r}")

    def said(self) -> str:
        """Its messages so far, which are not what it prints as its result."""
        self.err.seek(0)
        return self.err.read()


class Gateway:
    """A gateway that runs. `url` is its address without a path."""

    def __init__(
        self, config: Path, arguments: tuple[str, ...] = (), env: Mapping[str, str] | None = None, verify: str = "",
        cold: bool = False,
    ) -> None:  # fmt: skip
        self.config = config
        self.folder = config.parent
        self.url = ""
        self.process: Process | subprocess.Popen[bytes]
        self._env = {**plain_environment(), **(env or {})}
        self._arguments = ["up", "--config", str(self.config), *arguments]
        self._cold = cold
        self._lines: list[str] = []
        self._web = httpx2.Client(verify=_trust(verify), timeout=PATIENCE_S)

    def start(self) -> None:
        """Start it, and wait until it can serve."""
        self._lines.clear()
        log, written = os.pipe()
        try:
            self.process = self._begun(written)
        finally:
            os.close(written)
        self._reader = threading.Thread(target=self._read_log, args=[log], daemon=True)
        self._reader.start()
        self.url = eventually(self._said_url, "the gateway says where it listens")
        eventually(self._ready, "the gateway is ready")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it, and wait for its end; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._reader.join(PATIENCE_S)
        return status

    def close(self) -> None:
        if self.url:
            self.stop()
        self._web.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """All that it wrote to its log so far."""
        return "\n".join(self._lines)

    def get(self, path: str, key: str = "", **headers: str) -> httpx2.Response:
        return self.request("GET", path, key, headers=headers)

    def post(self, path: str, body: object, key: str = "", **headers: str) -> httpx2.Response:
        return self.request("POST", path, key, content=json.dumps(body), headers=headers)

    def request(self, method: str, path: str, key: str = "", **options: Any) -> httpx2.Response:
        """Any HTTP request; header names may have _ for -."""
        headers = {name.replace("_", "-"): value for name, value in options.pop("headers", {}).items()}
        if key:
            headers["authorization"] = f"Bearer {key}"
        return self._web.request(method, self.url + path, headers=headers, **options)

    def call(self, call_id: str, key: str = "") -> dict[str, Any]:
        """The ledger's record of a call, as soon as it is there."""

        def found() -> dict[str, Any] | None:
            response = self.get(f"/v1/farthing/calls/{call_id}", key)
            return response.json() if response.status_code == 200 else None

        return eventually(found, f"the call {call_id} is in the ledger")

    def farthing(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI with this gateway's settings, once what it served is written."""
        wait_until_written(self.folder)
        done = warm().run(self._command(arguments), self.folder, self._env)
        assert not check or done.returncode == 0, done.stderr
        return done

    def farthing_json(self, *arguments: str) -> Any:
        """The same with `--json`: what it printed."""
        return json.loads(self.farthing(*arguments, "--json").stdout)

    def fill(self, script: str | None, *arguments: str) -> None:
        """Have a Python file fill this gateway's store, whose URL is its first argument."""
        asked = [SCRIPT, f"{script}", f"sqlite:///{self.folder}/ledger.db", *arguments]
        done = warm().run(asked, self.folder, self._env)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def begin(self, *arguments: str) -> Iterator[Command]:
        """Begin such a command, to be ended by whoever began it; at the end at the latest."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            made = Command(warm().start(self._command(arguments), self.folder, self._env, out, err), out, err)
            try:
                yield made
            finally:
                made.process.kill()
                made.process.wait(PATIENCE_S)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return ["farthing", *arguments, "--config", str(self.config)]

    def _begun(self, log: int) -> Process | subprocess.Popen[bytes]:
        if not self._cold:
            return warm().start(["farthing", *self._arguments], self.folder, self._env, stderr=log)
        return subprocess.Popen(
            [FARTHING, *self._arguments], env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            cwd=self.folder, preexec_fn=ctrl_c_works,
        )  # fmt: skip

    def _read_log(self, log: int) -> None:
        with open(log, "rb") as stream:
            for line in stream:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _said_url(self) -> str | None:
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway did not start:\n{self.log}")
        said = (json.loads(line) for line in list(self._lines) if line.startswith("{"))
        return next((line["url"] for line in said if "url" in line), None)

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway did not start:\n{self.log}")
        try:
            return self.get("/health/ready").status_code == 200
        except httpx2.TransportError:
            return False


@contextmanager
def gateway(
    folder: Path, settings: str, *arguments: str, env: Mapping[str, str] | None = None, verify: str = "",
    before: Callable[[Gateway], None] = lambda made: None, cold: bool = False,
) -> Iterator[Gateway]:  # fmt: skip
    """A gateway with `settings` (the text of a farthing.toml) whose files lie in `folder`. `verify`: the CA file that
    its clients trust; `before` is done before it starts; `cold`: it starts from nothing, as people start it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "farthing.toml"
    config.write_text(settings)
    made = Gateway(config, arguments, env, verify, cold)
    try:
        before(made)
        made.start()
        yield made
    finally:
        made.close()


def settings_text(server: str = "", store: str = "", providers: str = "", more: str = "") -> str:
    """A farthing.toml on a free port, with its ledger beside it."""
    return "\n".join(
        ["[server]", "port = 0", server, "[store]", store or 'url = "sqlite:///ledger.db"', providers, more, ""]
    )


def eventually(true: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first result of `true` that is not false or None. It looks again after 20 ms, or what two looks take: what is waited
    for needs the processor as well."""
    until = time.monotonic() + patience_s
    while True:
        looked = time.monotonic()
        found = true()
        if found:
            return found
        now = time.monotonic()
        if now > until:
            raise AssertionError(f"in {patience_s} s it did not come about that {what}")
        time.sleep(min(max(0.02, 2 * (now - looked)), 0.5))


def ctrl_c_works() -> None:
    """In a new process: whoever runs tests in the background of a shell has them start with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def plain_environment() -> dict[str, str]:
    """No keys, proxies or settings of whoever runs the tests."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "OPENBLAS_NUM_THREADS")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _trust(ca_file: str) -> Any:
    if not ca_file:
        return False  # plain HTTP: no need to load the system's authorities for each client
    return ssl.create_default_context(cafile=ca_file)
