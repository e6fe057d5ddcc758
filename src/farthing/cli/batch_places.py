"""Where `farthing batch` finds jobs: in the store of the settings, whose gateway works them, or at a running gateway over HTTP.

Both do the same. A job exists once its file is whole: a command that is killed before leaves a file that expires, and no
job.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import click
import msgspec

from farthing.batch import handing
from farthing.batch.handing import Order, job_of
from farthing.batch.outcomes import Outcome, outcomes
from farthing.batch.prompts.costing import Coster, Quote
from farthing.batch.prompts.tally import Group
from farthing.catalog import Costs, Expect
from farthing.catalog.token_ratio import TokenRatios
from farthing.cli.common import CommandT, config_option, ledger_of, load_settings, load_without_keys, user
from farthing.cli.places import catalog_of
from farthing.cli.web import LONG_S, Unreachable, Web
from farthing.model.batch import JOB_ENDS, Job, Origin
from farthing.model.errors import BadRequest
from farthing.prices.configured import configured_book
from farthing.settings import Settings
from farthing.steps.defer.handing import JOBS, card
from farthing.store import Evidence, Store, open_store
from farthing.store.batch import files, jobs, steering
from farthing.store.engine import Connection
from farthing.store.sealing import wrapping

KEYS = ("FARTHING_KEY", "FARTHING_ADMIN_KEY")
ORIGINS: tuple[Origin, ...] = ("file", "schedule")
TRIES = 8
"""Times that results are asked for again where they broke off without a line."""
T = TypeVar("T")


class Upload(NamedTuple):
    """A file of requests, as it is handed in."""

    name: str
    pieces: Iterator[bytes]
    size: int


class Place(Protocol):
    """See the module. Raises ClickException."""

    def quote(self, groups: Sequence[Group]) -> Quote: ...
    def submit(self, order: Order, upload: Upload) -> dict[str, Any]: ...
    def cards(self, limit: int) -> list[dict[str, Any]]: ...
    def card(self, job_id: str) -> dict[str, Any]: ...
    def outcomes(self, job_id: str, after: int) -> Iterator[Outcome]: ...
    def cancel(self, job_id: str) -> dict[str, Any]: ...
    def promote(self, job_id: str) -> int:
        """How many lines had a later deadline."""


class Here:
    """The store of the settings."""

    def __init__(self, settings: Settings, store: Store, run: Callable[[Any], Any], tenant: str) -> None:
        self._settings, self._store, self._run = settings, store, run
        self._tenant = tenant
        self._wrapping = wrapping(settings.batch.encryption_key.reveal())

    def quote(self, groups: Sequence[Group]) -> Quote:
        book = configured_book(self._settings.prices)
        catalog = catalog_of(self._settings, book)
        expect = Expect(lambda model: catalog.facts(model).verbosity, catalog.name_there)
        expect.load(self._run(Evidence(self._store).sums()))
        ratios = TokenRatios()
        costs = Costs(book, catalog, expect)
        coster = Coster(catalog, costs, expect, book, lambda model: ratios.ratio(model, "bytes"))
        return coster.quote(groups, self._tenant, _now_us())

    def submit(self, order: Order, upload: Upload) -> dict[str, Any]:
        name = uuid.uuid4().hex
        file_id, job_id = f"file-{name}", f"{handing.PREFIX}{name}"
        try:
            self._do(lambda c: files.create(c, handing.a_file(file_id, self._tenant, upload.name, _now_us())))
            for piece in upload.pieces:
                self._do(partial(files.append, file_id=file_id, data=piece, wrapping=self._wrapping))
            self._do(lambda c: files.finish(c, file_id))
            keep_s = self._settings.batch.keep_s
            job = job_of(order, job_id, "file", file_id, self._tenant, _now_us(), keep_s)
            self._do(lambda c: handing.add(c, job))
        except BaseException:
            self._do(lambda c: _forget(c, file_id, job_id))
            raise
        return self.card(job_id)

    def cards(self, limit: int) -> list[dict[str, Any]]:
        now_us = _now_us()
        return [
            card(job, now_us)
            for job in self._do(lambda c: jobs.page(c, tenant=self._tenant, origins=ORIGINS, limit=limit))
        ]

    def card(self, job_id: str) -> dict[str, Any]:
        def read(connection: Connection) -> dict[str, Any]:
            job = jobs.get(connection, job_id, tenant=self._tenant)
            if job is None or job.expires_us == jobs.DELETED_US:
                raise click.ClickException(f"there is no job {job_id}")
            return handing.standing(connection, job, _now_us())

        return self._do(read)

    def outcomes(self, job_id: str, after: int) -> Iterator[Outcome]:
        job: Job | None = self._do(lambda c: jobs.get(c, job_id, tenant=self._tenant))
        if job is None or job.origin not in ORIGINS:
            raise click.ClickException(f"there is no job {job_id} of a file")
        pages = outcomes(self._store, self._wrapping, job, after)
        while some := self._run(_next(pages)):
            yield from some
        if self._settings.batch.drop == "delivery" and job.state in JOB_ENDS:
            self._do(lambda c: handing.delivered(c, job))

    def cancel(self, job_id: str) -> dict[str, Any]:
        self._do(lambda c: steering.cancel(c, job_id, tenant=self._tenant, who=user(), now_us=_now_us()))
        return self.card(job_id)

    def promote(self, job_id: str) -> int:
        self.card(job_id)
        return self._do(lambda c: steering.promote(c, job_id, tenant=self._tenant, who=user(), now_us=_now_us()))

    def _do(self, work: Callable[[Connection], T]) -> T:
        try:
            found: T = self._run(self._store.do(work))
        except BadRequest as error:
            raise click.ClickException(error.message) from None
        return found


class There:
    """A running gateway."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def quote(self, groups: Sequence[Group]) -> Quote:
        asked = {"groups": msgspec.to_builtins(list(groups))}
        return msgspec.convert(self._web.json("POST", f"{JOBS}/quote", asked, timeout_s=LONG_S), Quote)

    def submit(self, order: Order, upload: Upload) -> dict[str, Any]:
        boundary = uuid.uuid4().hex
        head, tail = _form(boundary, upload.name)

        def parts() -> Iterator[bytes]:
            yield head
            yield from upload.pieces
            yield tail

        size = len(head) + upload.size + len(tail)
        file = self._web.upload("/v1/files", parts(), size, f"multipart/form-data; boundary={boundary}")
        wanted = {
            "input_file_id": file["id"], "format": order.wire, "deadline": f"{max(1, round(order.deadline_s))}s", "name": order.name,
            "priority": order.priority, "max_cost_nano": order.cap,
        }  # fmt: skip
        headers = {**order.headers, "idempotency-key": file["id"]}
        made: dict[str, Any] = _again(lambda: self._web.json("POST", JOBS, wanted, headers, LONG_S))
        return made

    def cards(self, limit: int) -> list[dict[str, Any]]:
        found = []
        for origin in ORIGINS:
            query = urlencode({"limit": limit, "origin": origin})
            found += self._web.json("GET", f"{JOBS}?{query}")["data"]
        return sorted(found, key=lambda each: -int(each["created_us"]))[:limit]

    def card(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._web.json("GET", _path(job_id))
        return found

    def outcomes(self, job_id: str, after: int) -> Iterator[Outcome]:
        """What breaks off is gone on with."""
        left = TRIES
        while True:
            try:
                for line in self._web.lines(f"{_path(job_id)}/results?after={after}"):
                    found = msgspec.json.decode(line, type=Outcome)
                    after, left = found.no, TRIES
                    yield found
                return
            except Unreachable:
                left -= 1
                if left <= 0:
                    raise
                time.sleep(min(10.0, 0.2 * 2 ** (TRIES - left)))

    def cancel(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._web.json("POST", f"{_path(job_id)}/cancel")
        return found

    def promote(self, job_id: str) -> int:
        return int(self._web.json("POST", f"{_path(job_id)}/promote")["promoted"])


def place_options(command: CommandT) -> CommandT:
    """`--config`, `--url`, `--key`, `--tenant`: what `placed` wants."""
    for option in (
        click.option("--tenant", default="default", show_default=True, help="Whose jobs, in the store."),
        click.option("--key", default="", envvar=KEYS, show_envvar=True, help="A key of the gateway at --url."),
        click.option("--url", default="", envvar="FARTHING_URL", show_envvar=True, help="A running gateway. Default: the store of the settings."),
    ):  # fmt: skip
        command = option(command)
    return config_option(command)


@contextmanager
def placed(config: Path | None, url: str, key: str, tenant: str, only: Sequence[str] = ()) -> Iterator[Place]:
    """The place that the options name. `only`: tables of the settings that are needed beside the store."""
    if url:
        yield There(Web(url, key, load_settings(config, only={"server"}).server))
        return
    settings = (
        load_without_keys(config, {"store", "batch", *only}) if only else load_settings(config, {"store", "batch"})
    )
    address = ledger_of(settings)
    with asyncio.Runner() as runner:
        store = runner.run(open_store(address))
        try:
            yield Here(settings, store, runner.run, tenant)
        finally:
            runner.run(store.close())


def _path(job_id: str) -> str:
    if not job_id.isascii() or not job_id.replace("-", "").replace("_", "").isalnum():
        raise click.ClickException(f"there is no job {job_id!r}")
    return f"{JOBS}/{job_id}"


def _form(boundary: str, name: str) -> tuple[bytes, bytes]:
    """What stands before and behind the file in a form."""
    plain = json.dumps("".join(char if char.isascii() and char.isalnum() else "_" for char in name)[:100] + ".jsonl")
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename={plain}\r\n'
        "content-type: application/jsonl\r\n\r\n"
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()


def _again(ask: Callable[[], T]) -> T:
    """Ask what may be asked twice, until it is answered."""
    for left in range(3, -1, -1):
        try:
            return ask()
        except Unreachable:
            if not left:
                raise
            time.sleep(1.0)
    raise AssertionError("the last try returns or raises")


def _forget(connection: Connection, file_id: str, job_id: str) -> None:
    """A file that no job came of."""
    if jobs.get(connection, job_id) is None:
        files.delete(connection, file_id)


async def _next(pages: Any) -> Sequence[Outcome]:
    try:
        found: Sequence[Outcome] = await anext(pages)
    except StopAsyncIteration:
        return ()
    return found


def _now_us() -> int:
    return time.time_ns() // 1000
