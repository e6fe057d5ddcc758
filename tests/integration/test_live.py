"""Pages that are told of changes: over a real gateway, with sessions, a store that others write to, and a stop."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from farthing.model.record import Record
from farthing.store import open_store
from integration.gateways import Gateway, eventually, gateway, settings_text

PROVIDERS = '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "sk-none"\n'


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Gateway]:
    """A stop that waited for calls under way would last longer than a test waits for it."""
    with gateway(tmp_path, settings_text(providers=PROVIDERS, server="shutdown_grace_s = 600")) as made:
        yield made


def _write(made: Gateway, name: str, **more: Any) -> None:
    async def write() -> None:
        store = await open_store(f"sqlite:///{made.folder}/ledger.db")
        await store.write([Record(id=name, started_us=time.time_ns() // 1000, wire="openai.chat", **more)])
        await store.close()

    asyncio.run(write())


def _lines(answer: httpx2.Response) -> Iterator[str]:
    return (line for line in answer.iter_lines() if line)


def test_a_page_hears_of_what_another_process_wrote(running: Gateway) -> None:
    with httpx2.Client(timeout=60) as web, web.stream("GET", f"{running.url}/live") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        lines = _lines(answer)
        assert next(lines).startswith("retry:")
        heard = threading.Event()

        def write() -> None:
            """Again and again: what came before the first look is no change."""
            for number in itertools.count():
                _write(running, f"{number}")
                if heard.wait(0.5):
                    return

        writing = threading.Thread(target=write)
        writing.start()
        try:
            assert next(lines) == "event: changed"
        finally:
            heard.set()
            writing.join()


def test_a_stop_does_not_wait_for_open_pages(running: Gateway) -> None:
    with httpx2.Client(timeout=60) as web, web.stream("GET", f"{running.url}/live") as answer:
        lines = _lines(answer)
        next(lines)
        running.stop()
        assert list(lines) == []


def test_strangers_hear_nothing_and_who_signs_out_no_more(running: Gateway) -> None:
    key = running.farthing_json("keys", "create", "ann", "--role", "viewer")["secret"]
    with httpx2.Client(timeout=60, base_url=running.url) as web:

        def is_known() -> bool:
            return web.get("/live").status_code == 401

        eventually(is_known, "the gateway knows that there are keys")
        form = web.get("/sign-in").text
        token = form.split('name="_token" value="')[1].split('"')[0]
        assert web.post("/sign-in", data={"_token": token, "key": key}).status_code == 303
        with web.stream("GET", "/live") as answer:
            assert answer.status_code == 200
            lines = _lines(answer)
            next(lines)
            token = web.get("/").text.split('name="_token" value="')[1].split('"')[0]
            web.post("/sign-out", data={"_token": token})
            assert "event: out" in list(lines)
