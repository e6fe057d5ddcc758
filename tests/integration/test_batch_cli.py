"""`farthing batch` beside real gateways over a simulated provider: at the store and over HTTP, killed in the middle, and a
schedule that two gateways keep."""

import asyncio
import csv
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from farthing.batch.schedules.cron import daily
from farthing.store import open_store
from farthing.store.batch import files, jobs, schedules
from farthing.store.engine import Connection
from farthing.upstream.simulator import SimulatorSettings
from integration.gateways import PATIENCE_S, Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator, simulator

T = TypeVar("T")
BATCH = "[batch]\nlinger_s = 0\nlook_s = 0.1\nlag_s = 0.5\n"
ROWS = 40


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=3)) as made:
        yield made


def config(provider: Simulator, more: str = "", store: str = "") -> str:
    known = f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "k"'
    return settings_text(providers=known, more=BATCH + more, store=store)


def table(folder: Path, count: int = ROWS, name: str = "t.csv") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "text"))
        writer.writerows((number, f'ticket {number}, "quoted"\nand more') for number in range(count))
    (folder / "p.txt").write_text("Sum up: {text}")


def in_store(folder: Path, work: Callable[[Connection], T]) -> T:
    async def opened() -> T:
        store = await open_store(f"sqlite:///{folder}/ledger.db")
        try:
            return await store.do(work)
        finally:
            await store.close()

    return asyncio.run(opened())


SUBMIT = ("batch", "submit", "t.csv", "--template", "p.txt", "--model", "gpt-4o-mini", "--max-tokens", "40", "--yes")


@pytest.mark.parametrize("way", ["store", "http"])
def test_a_table_is_answered_row_by_row(tmp_path: Path, provider: Simulator, way: str) -> None:
    table(tmp_path)
    with gateway(tmp_path, config(provider)) as gate:
        where = ("--url", gate.url) if way == "http" else ()
        job_id = gate.farthing(*SUBMIT, "--feature", "triage", *where).stdout.strip()
        done = gate.farthing("batch", "watch", job_id, *where)
        assert f"finished: {ROWS} done of {ROWS}" in done.stderr, done.stderr
        gate.farthing("batch", "results", job_id, "-o", "out.csv", *where)
        with (tmp_path / "out.csv").open(newline="") as file:
            found = list(csv.DictReader(file))
        with (tmp_path / "t.csv").open(newline="") as file:
            asked = list(csv.DictReader(file))
        assert [{"id": row["id"], "text": row["text"]} for row in found] == asked
        assert all(row["answer"] and row["status"] == "200" for row in found)
        card = json.loads(gate.farthing("batch", "status", job_id, "--json", *where).stdout)
        costs = sum(round(float(row["cost_dollars"]) * 10**9) for row in found)
        assert card["cost_nano"] == costs > 0 and card["saved_nano"] == pytest.approx(costs, abs=2 * ROWS)
        listed = gate.farthing("batch", "status", *where).stdout
        assert job_id in listed and "finished" in listed
        report = gate.farthing("report", "--by", "feature", "--csv").stdout
        assert "triage" in report


def test_over_http_a_key_sees_its_own(tmp_path: Path, provider: Simulator) -> None:
    table(tmp_path, 3)
    with gateway(tmp_path, config(provider)) as gate:
        one, other = (
            json.loads(gate.farthing("keys", "create", name, "--json").stdout)["secret"] for name in ("a", "b")
        )
        where = ("--url", gate.url, "--key", one)
        job_id = eventually(lambda: gate.farthing(*SUBMIT, *where, check=False).stdout.strip(), "the key is known")
        assert "finished" in gate.farthing("batch", "watch", job_id, *where).stderr
        theirs = gate.farthing("batch", "results", job_id, "--url", gate.url, "--key", other, check=False)
        assert theirs.returncode == 1 and "no such job" in theirs.stderr.lower()

        def refused() -> str:
            bad = gate.farthing("batch", "status", "--url", gate.url, "--key", "fk-none", check=False)
            return bad.stderr if bad.returncode == 1 else ""

        assert "Traceback" not in eventually(refused, "the gateway knows that there are keys")


@pytest.mark.parametrize("way", ["store", "http"])
def test_a_command_that_is_killed_leaves_no_job(tmp_path: Path, provider: Simulator, way: str) -> None:
    for count in (30_000, 100_000, 300_000):  # on a busy machine it may be over before it is killed
        folder = tmp_path / f"{count}"
        table(folder, count)
        with gateway(folder, config(provider)) as gate:
            where = ["--url", gate.url] if way == "http" else []
            with gate.begin(*SUBMIT, *where) as command:
                eventually(
                    lambda folder=folder: in_store(
                        folder, lambda c: c.query("SELECT 1 FROM batch_files WHERE parts > 0")
                    ),
                    "the file begins to be there",
                )
                command.process.kill()
                if command.process.wait() != -signal.SIGKILL:
                    continue
            time.sleep(0.3)
            assert in_store(folder, lambda c: jobs.page(c, tenant="default")) == []
            eventually(
                lambda folder=folder: in_store(folder, lambda c: files.page(c, tenant="default")) == [],
                "no file is left",
            )
            return
    pytest.fail("it was never under way")


def test_watching_is_ended_and_the_job_goes_on(tmp_path: Path, provider: Simulator) -> None:
    table(tmp_path, 5)
    with gateway(tmp_path, config(provider)) as gate:
        gate.stop()  # so that the job is under way for as long as this takes
        job_id = gate.farthing(*SUBMIT).stdout.strip()
        with gate.begin("batch", "watch", job_id) as watching:
            watching.says("validating")
            watching.process.send_signal(signal.SIGINT)
            assert watching.process.wait(PATIENCE_S) == 130
            assert f"The job {job_id} goes on" in watching.said() and "Traceback" not in watching.said()
        gate.start()
        assert "5 done of 5" in gate.farthing("batch", "watch", job_id).stderr


def due_now(folder: Path) -> str:
    """A schedule that was due two minutes ago, as a gateway knew it before that."""
    now = time.gmtime(time.time() - 120)
    at = f"{now.tm_hour:02}:{now.tm_min:02}"

    def known(connection: Connection) -> None:
        since_us = (int(time.time()) - 900) * 1_000_000
        schedules.known_since(connection, "nightly", f"{at} {daily(at).zone}", since_us)

    in_store(folder, known)
    return (
        f'[batch.schedules.nightly]\nat = "{at}"\nfile = "t.csv"\ntemplate = "p.txt"\nmodel = "gpt-4o-mini"\n'
        'output = "out/{date}.csv"\nfeature = "nightly"\nmax_tokens = 40\n'
    )


def test_two_gateways_start_a_schedule_once_and_write_its_results(tmp_path: Path, provider: Simulator) -> None:
    table(tmp_path, 7)
    said = config(provider, due_now(tmp_path))
    with gateway(tmp_path, said) as one:
        two = Gateway(one.config)
        try:
            two.start()
            eventually(lambda: list((tmp_path / "out").glob("*.csv")), "the results are written")

            def listed() -> dict[str, Any] | None:
                (each,) = json.loads(one.farthing("batch", "schedules", "--json").stdout)
                last: dict[str, Any] | None = each["last"]
                return last if last and last["state"] == "written" else None

            last = eventually(listed, "the schedule is done")
            assert last["done"] == 7
            (job,) = in_store(tmp_path, lambda c: jobs.page(c, tenant="default", limit=9))
            assert (job.origin, job.name, job.done) == ("schedule", "nightly", 7)
            eventually(lambda: any("was started late" in gate.log for gate in (one, two)), "the log says so")
            assert sum(gate.log.count("was started late") for gate in (one, two)) == 1
            with next((tmp_path / "out").glob("*.csv")).open(newline="") as file:
                assert len(list(csv.DictReader(file))) == 7
        finally:
            two.close()


def test_a_day_s_cap_holds_for_lines_that_go_alone(tmp_path: Path, provider: Simulator) -> None:
    table(tmp_path, 200)
    alone = (
        f'dollars_a_day = 0.002\n[providers.own]\nkind = "openai_compatible"\nbase_url = "{provider.url}/v1"\napi_key = "k"\n'
        'prices = "openai"\n'
    )
    with gateway(tmp_path, config(provider, alone)) as gate:
        name = "own/gpt-4o-mini"
        job_id = gate.farthing(*SUBMIT[:6], name, *SUBMIT[7:]).stdout.strip()

        def job() -> jobs.Job:
            found = in_store(tmp_path, lambda c: jobs.get(c, job_id))
            assert found is not None
            return found

        eventually(lambda: job().done, "some of it is done")
        time.sleep(2.0)
        found = job()
        assert found.done < 200 and 0 < found.cost <= 2_000_000 and found.failed == 0, found
