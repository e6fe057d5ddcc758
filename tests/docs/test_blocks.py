"""Every code block of README.md, CONTRIBUTING.md and docs/ runs, or is checked.

    bash     run, in order, beside a gateway on a simulated provider; long-running commands are only parsed by the CLI,
             installations are not run, `make TARGET` must exist
    python   run, with the SDKs' variables pointing at the gateway
    toml     loaded as settings
    json     parsed
    text     (and all others) not looked at

Ports 4141 and 4142 in a page stand for the gateway and the simulator that run here. `<!-- not run: REASON -->` on the line
before a block leaves it out. Below `<!-- farthing.toml -->` is what the page's gateway has for settings, from its first block on.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import pytest

import written
from farthing.cli.main import cli
from farthing.settings import parse
from farthing.upstream.hosts import HOSTS
from integration.gateways import eventually
from ports import free_port
from warm import warm
from written import wait_until_written

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.exists()
]

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: .+ -->\s*$")
SETTINGS = re.compile(r"<!-- farthing.toml -->\s*$")
LONG_RUNNING = ("up", "simulate", "demo")
NOT_HERE = ("make", "pip", "uv", "git", "cd", "docker", "source", "python3")
ASIDE = ("echo", "printf", "cat", "grep", "test", "#")
SHELLS = ("bash", "sh", "console")
SETTLE = f"{shlex.quote(sys.executable)} -ISE {shlex.quote(written.__file__)} ."
"""What was served is written; keys of others are known."""


class Block(NamedTuple):
    """A fenced block and where it starts."""

    line: int
    language: str
    code: str
    is_settings: bool = False
    """It is what the page's gateway runs with."""


class Everything(dict[str, str]):
    """An environment in which every variable is set."""

    def get(self, key: str, default: object = None) -> str:  # type: ignore[override]
        if key.endswith("_URL"):
            return "" if key.endswith("_BASE_URL") else "https://example.com"
        return "any"


def blocks(text: str) -> Iterator[Block]:
    """The blocks that are to be run or checked."""
    for found in FENCE.finditer(text):
        if not NOT_RUN.search(text[: found.start()]):
            code = "".join(line.removeprefix(found["indent"]) for line in found["code"].splitlines(keepends=True))
            is_settings = SETTINGS.search(text[: found.start()]) is not None
            yield Block(text.count("\n", 0, found.start()) + 2, found["language"], code, is_settings)


def commands(code: str) -> Iterator[str]:
    """The commands of a shell block; one that goes on over lines, or has a here-document, is one."""
    held = ""
    for line in code.splitlines():
        line = line.removeprefix("$ ")
        held += f"{line}\n"
        here = re.search(r"<<\s*['\"]?(\w+)", held)
        open_quote = held.count("'") % 2 or held.count('"') % 2
        if line.endswith("\\") or open_quote or (here and line.strip() != here[1]):
            continue
        if held.strip() and not held.lstrip().startswith("#"):
            yield held.strip()
        held = ""
    assert not held.strip(), f"this command does not end: {held}"


def words(command: str) -> list[str]:
    """The words of a command without variables before it and the ampersand behind it."""
    found = shlex.split(command, comments=True)
    while found and re.fullmatch(r"[A-Za-z_]+=.*", found[0], re.DOTALL):
        found = found[1:]
    return [word for word in found if word != "&"]


def check_by_cli(arguments: list[str]) -> None:
    """Parse a command of ours without running it. Raises click.UsageError."""
    context = click.Context(cli, info_name="farthing")
    command = cli.get_command(context, arguments[0])
    assert command is not None
    command.make_context(arguments[0], arguments[1:], parent=context)


def bin_path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def environment(**more: str) -> dict[str, str]:
    """A clean environment: no keys of the person who runs the tests."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR", "OPENBLAS_NUM_THREADS") if name in os.environ}
    return {**kept, "PATH": bin_path(), "PYTHONUNBUFFERED": "1", **more}


@contextmanager
def running(*arguments: str, env: dict[str, str], folder: Path, ready: str) -> Iterator[Callable[[], None]]:
    """A command of ours in the background until the end; gives what waits until `ready` answers."""
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = warm().start(["farthing", *arguments], folder, env, stdout=log, stderr=log)

    def answers() -> bool:
        assert process.poll() is None, (folder / f"{arguments[0]}.log").read_text()
        try:
            urllib.request.urlopen(ready, timeout=60).close()
        except urllib.error.HTTPError as refused:
            refused.close()
        except OSError:
            return False
        return True

    def wait() -> None:
        eventually(answers, f"{ready} answers")

    try:
        yield wait
    finally:
        process.terminate()
        process.wait(120)


def paced(to_run: list[str]) -> Iterator[str]:
    """With a pause where the gateway must have written, or read, what one command leaves to another: it does so in the
    background. Our own commands use the store themselves, and some use neither."""
    before = ""
    for command in to_run:
        kind = (words(command) or ["#"])[0]
        if kind not in ASIDE:
            if before and (before, kind) != ("farthing", "farthing"):
                yield SETTLE
            before = kind
        yield command


class Stage:
    """A folder, a gateway and a simulated provider for one page."""

    def __init__(self, folder: Path, gateway: int, simulator: int, programs: Path) -> None:
        self._folder = folder
        self._ports = {"4141": str(gateway), "4142": str(simulator)}
        url = f"http://127.0.0.1:{gateway}"
        self._env = environment(
            OPENAI_API_KEY="any", OPENAI_BASE_URL=f"{url}/v1", ANTHROPIC_API_KEY="any", ANTHROPIC_BASE_URL=url
        )
        self._env["PATH"] = f"{programs}{os.pathsep}{self._env['PATH']}"

    def run(self, block: Block) -> None:
        if block.language in SHELLS:
            self._run_shell(block.code)
        elif block.language == "python":
            self._call(["python-block", self._here(block.code)], block.code)
            wait_until_written(self._folder)

    def _run_shell(self, code: str) -> None:
        to_run = [self._here(command) for command in commands(code) if self._is_to_run(command)]
        if to_run:
            self._call(["bash", "-euo", "pipefail", "-c", "\n".join(paced(to_run))], code)

    def _is_to_run(self, command: str) -> bool:
        """Whether a command ends by itself and changes nothing outside; an export is taken over."""
        if export := re.fullmatch(r"export (\w+)=(\S+)", command):
            self._env[export[1]] = self._here(export[2])
            return False
        first, *rest = words(command) or [""]
        long_running = first == "farthing" and bool(rest) and rest[0] in LONG_RUNNING
        return not long_running and first not in NOT_HERE and not first.startswith(".venv/bin/pip")

    def _here(self, text: str) -> str:
        return re.sub(r"(?<=[:=])414[12]\b", lambda found: self._ports[found[0]], text)

    def _call(self, command: list[str], code: str) -> None:
        done = subprocess.run(command, cwd=self._folder, env=self._env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{code}\n--- out\n{done.stdout}\n--- err\n{done.stderr}"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of one simulated provider for all pages: it keeps nothing that a page could notice."""
    port = free_port()
    models = f"http://127.0.0.1:{port}/v1/models"
    folder = tmp_path_factory.mktemp("provider")
    with running("simulate", "--port", f"{port}", env=environment(), folder=folder, ready=models) as provided:
        provided()
        yield port


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the `farthing` and the Python of blocks are: they start in milliseconds."""
    return warm().programs(tmp_path_factory.mktemp("programs"))


@contextmanager
def staged(folder: Path, simulator: int, programs: Path) -> Iterator[Stage]:
    gateway = free_port()
    provider = f"http://127.0.0.1:{simulator}"
    keys = environment(
        OPENAI_API_KEY="any", OPENAI_BASE_URL=f"{provider}/v1", ANTHROPIC_API_KEY="any", ANTHROPIC_BASE_URL=provider
    )
    live = f"http://127.0.0.1:{gateway}/health/live"
    with running("up", "--port", f"{gateway}", env=keys, folder=folder, ready=live) as served:
        served()
        yield Stage(folder, gateway, simulator, programs)


def check(block: Block) -> None:
    """What can be told of a block without a server."""
    if block.language == "toml":
        parse(block.code, Everything(), kinds={name: host.base_url for name, host in HOSTS.items()})
    elif block.language == "json":
        json.loads(block.code)
    elif block.language == "python":
        compile(block.code, "block", "exec")
    elif block.language in SHELLS:
        for command in commands(block.code):
            check_command(command)


def check_command(command: str) -> None:
    """What can be told of a command without running it."""
    first, *rest = words(command) or [""]
    if first == "make":
        target = next((word for word in rest if "=" not in word), "help")
        assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"no make {target}"
    elif first == "farthing" and rest and rest[0] in LONG_RUNNING:
        check_by_cli(rest)


def needs_servers(block: Block) -> bool:
    """Whether anything of a block is run."""
    runs = (words(command)[:1] not in [[name] for name in NOT_HERE] for command in commands(block.code))
    return block.language == "python" or (block.language in SHELLS and any(runs))


def check_page(text: str, folder: Path, simulator: int, programs: Path) -> None:
    found = list(blocks(text))
    for block in found:
        check(block)
    if any(needs_servers(block) for block in found):
        if settings := "\n".join(block.code for block in found if block.is_settings):
            (folder / "farthing.toml").write_text(settings, encoding="utf-8")
        with staged(folder, simulator, programs) as stage:
            for block in found:
                stage.run(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_block_of_a_page_works(page: Path, tmp_path: Path, simulator: int, programs: Path) -> None:
    check_page(page.read_text(encoding="utf-8"), tmp_path, simulator, programs)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    missing = [each for each in targets if "://" not in each and not (page.parent / each).exists()]
    assert missing == []


GOOD = """
```bash
make test
farthing up --port 4141 &
export FEATURE=chat
pip install farthing
```

```python
from openai import OpenAI

client = OpenAI(default_headers={"x-farthing-feature": "chat"})
answer = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}])
assert answer.choices[0].message.content
```

```bash
curl -fsS http://127.0.0.1:4141/v1/chat/completions \\
  -H 'content-type: application/json' -H "x-farthing-feature: $FEATURE" \\
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}'
farthing report --by feature --csv | grep '^chat,2,'
```

```toml
[providers.mine]
kind = "vllm"
base_url = "http://127.0.0.1:8000/v1"
```

<!-- not run: this is how a mistake looks -->
```toml
[server]
prot = 1
```
"""


def test_a_page_with_good_blocks_passes(tmp_path: Path, simulator: int, programs: Path) -> None:
    check_page(GOOD, tmp_path, simulator, programs)


@pytest.mark.parametrize(
    "text",
    [
        "```toml\n[server]\nprot = 1\n```",
        "```json\n{\n```",
        "```bash\nmake nothing-like-it\n```",
        "```bash\nfarthing up --prot 1\n```",
        "```python\n1 / 0\n```",
        "```bash\nfarthing explain no-such-call\n```",
    ],
)
def test_a_page_with_a_mistake_fails(text: str, tmp_path: Path, simulator: int, programs: Path) -> None:
    with pytest.raises((Exception, AssertionError)):
        check_page(text, tmp_path, simulator, programs)
