"""Starts what the demo needs: the simulated provider in this process, the gateway as a process of its own, keys for the
teams; and ends it all again."""

import asyncio
import importlib
import importlib.util
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from farthing.demo import settings as texts
from farthing.demo.calendar import DAYS
from farthing.demo.company import TEAMS
from farthing.demo.story import lead
from farthing.model.principal import Key, Role
from farthing.store import hash_of, new_id, new_secret, open_store
from farthing.store.secret import plant, secret
from farthing.store.shares import SALT
from farthing.store.store import Store, now_us
from farthing.upstream.simulator import SimulatorSettings, running


class Stage:
    """The running parts."""

    def __init__(self, url: str, settings: Path, keys: dict[str, str], admin_key: str) -> None:
        self.url = url
        self.settings = settings
        self.keys = keys
        """Secret by team."""
        self.admin_key = admin_key

    async def pages(self) -> str:
        """Where the pages for people are: a link that signs in as the administrator, once, within minutes. The plain address
        where their libraries are not installed."""
        if importlib.util.find_spec("itsdangerous") is None:
            return f"{self.url}/"
        links = importlib.import_module("farthing.dashboard.access.links")
        signing = importlib.import_module("farthing.dashboard.signing")
        store = await _store_in(self.settings.parent)
        found = await store.find_key(hash_of(self.admin_key))
        signer = signing.Signer(await store.do(lambda connection: secret(connection, signing.SECRET)))
        await store.close()
        return str(links.sign_in_link(signer, self.url, found, now_us()))


class StartFailed(Exception):
    """The gateway did not come up; the message says what it said."""


@asynccontextmanager
async def staged(folder: Path, port: int, latency: float, seed: int) -> AsyncIterator[Stage]:
    """All parts running, their files in `folder`, which is made anew. Raises StartFailed."""
    async with running(SimulatorSettings(seed=seed, latency=latency)) as simulator:
        settings = _write_settings(folder, port, simulator)
        keys, admin_key = await make_keys(folder, seed)
        gateway = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "farthing", "up", "--config", str(settings), stderr=asyncio.subprocess.PIPE
        )
        url = f"http://127.0.0.1:{port}"
        try:
            await _ready(url, gateway)
            yield Stage(url, settings, keys, admin_key)
        finally:
            if gateway.returncode is None:
                gateway.terminate()
            await gateway.wait()


def _write_settings(folder: Path, port: int, simulator: str) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = folder / "farthing.toml"
    settings.write_text(texts.text_of(DAYS, port, simulator), encoding="utf-8")
    return settings


async def make_keys(folder: Path, seed: int = 7) -> tuple[dict[str, str], str]:
    """A store with a key for each team, whose name callers cannot change, and one for the administrator. Arms are drawn alike
    for equal seeds."""
    store = await _store_in(folder)
    await store.do(lambda connection: plant(connection, SALT, f"demo {seed}"))
    secrets = {team: new_secret() for team in (*TEAMS, "admin")}
    for name, made in secrets.items():
        tags = {} if name == "admin" else {"team": name}
        role: Role = "admin" if name == "admin" else ""
        await store.add_key(Key(id=new_id(), name=name, hash=hash_of(made), tags=tags, pinned=tuple(tags), role=role))
    await lead(store)
    await store.close()
    return {team: secrets[team] for team in TEAMS}, secrets["admin"]


async def _store_in(folder: Path) -> Store:
    return await open_store(f"sqlite:///{(folder / 'farthing.db').absolute()}")


async def _ready(url: str, gateway: asyncio.subprocess.Process, patience_s: float = 20.0) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(int(patience_s / 0.1)):
            if gateway.returncode is not None:
                assert gateway.stderr is not None
                raise StartFailed((await gateway.stderr.read()).decode("utf-8", "replace").strip())
            try:
                async with session.get(f"{url}/health/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise StartFailed(f"the gateway did not answer at {url} within {patience_s:g} s")
