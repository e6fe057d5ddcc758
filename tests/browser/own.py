"""Own models, written straight into a store: a deployment whose hours are half idle, a student that serves with a former
version behind it, one on trial, one that was taken back, one that answers nothing. The same each time; after `company`.

`python tests/browser/own.py sqlite:////tmp/x/farthing.db /tmp/x/farthing-models` fills one for whoever works on pages.
"""

import asyncio
import json
import sys
from pathlib import Path

from farthing.model.arms import DISTILLATION
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.selfhost import reports
from farthing.selfhost.quantize.losses import Loss
from farthing.selfhost.quantize.report import Bytes, Report, Tried, for_machines
from farthing.selfhost.quantize.sizes import Size
from farthing.store import Store, open_store
from farthing.store.store import now_us
from farthing.store.students import Looks, Students

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
DEPLOYMENT = "own/llama-8b"
SETTINGS = f"""
[selfhost.deployments."{DEPLOYMENT}"]
gpus = 2
dollars_per_gpu_hour = 2.49
tokens_per_second = 400
"""
SERVING, TRIED, BACK, MUTE = "task:classification", "template:4f1c0a77e2b86d10", "template:9d0e", "task:qa"
HOSTILE = "template:<b onmouseover=alert(1)>" + "long" * 30
TEACHER_COST = 2_400_000


def facts(answered: int = 1_800, pairs: int = 2_000, **more: object) -> str:
    known = {
        "answers": ["billing", "shipping", "returns", "other"], "target": 0.95, "confidence": 0.95, "pairs": pairs,
        "answered": answered, "agreed": answered - 30, "bound": 0.961,
    }  # fmt: skip
    return json.dumps(known | more)


async def students(store: Store, now: int) -> None:
    clock = [now - 30 * DAY_US]
    kept = Students(store, lambda: clock[0])

    async def add(scope: str, state: str = "shadow", **more: object) -> int:
        why = (
            "answers 90% of 2,000 calls at 96.1% or better"
            if state == "shadow"
            else "50 calls are too few to learn from"
        )
        made = facts(**more)  # type: ignore[arg-type]
        return await kept.add("default", scope, made, b"w", state=state, teacher="gpt-5.4", why=why)  # type: ignore[arg-type]

    for _ in range(2):
        number = await add(SERVING)
        clock[0] += 4 * DAY_US
        await kept.promote("default", SERVING, number, "it agreed in 400 of 404 calls beside its teacher")
        clock[0] += 4 * DAY_US
    await add(TRIED, features=["ticket triage"])
    number = await add(BACK)
    await kept.promote("default", BACK, number, "it agreed in 300 of 301 calls beside its teacher")
    await kept.retreat("default", BACK, number, "audits show less than 95.0% agreement")
    await add(HOSTILE)
    await add(MUTE, "mute", answered=0, pairs=50, bound=0.0)
    await kept.add_looks(
        [
            Looks("default", SERVING, 2, "shadow", now - 20 * DAY_US, 450, 404, 404, 400, 450 * TEACHER_COST, 450 * TEACHER_COST, 450),
            Looks("default", SERVING, 2, "serving", now - 2 * DAY_US, 5_000, 4_400),
            Looks("default", SERVING, 2, "audit", now - 2 * DAY_US, compared=132, agreed=130),
            Looks("default", TRIED, 1, "shadow", now - DAY_US, 60, 50, 50, 49, 60 * TEACHER_COST, 60 * TEACHER_COST, 60),
            Looks("default", BACK, 1, "serving", now - DAY_US, 900, 300),
            Looks("default", BACK, 1, "audit", now - DAY_US, compared=120, agreed=96),
        ]
    )  # fmt: skip


def records(now: int) -> list[Record]:
    """Calls at the own deployment, in office hours; calls that a student answered."""
    found = []
    for number in range(400):
        at = now - now % HOUR_US - (1 + number % 72) * HOUR_US + number
        used = Usage(uncached_in=20_000, out=15_000)
        attempt = Attempt(1, provider="own", deployment=DEPLOYMENT, model="llama-8b", status=200, outcome="ok", started_us=at, usage=used, cost_state="computed", cost=58_000_000, list_cost=58_000_000)  # fmt: skip
        found.append(
            Record(
                f"call-own-{number}", at, "openai.chat", model="llama-8b", provider="own", deployment=DEPLOYMENT, feature="nightly summaries",
                cost=58_000_000, baseline=58_000_000, status=200, outcome="ok", cost_state="computed", in_tokens=20_000, out_tokens=15_000, attempts=[attempt],
            )
        )  # fmt: skip
    for number in range(300):
        found.append(
            Record(
                f"call-student-{number}", now - number * 60_000_000 - 1, "openai.chat", model="gpt-5.4", feature="ticket triage", baseline=TEACHER_COST,
                status=200, outcome="ok", cost_state="computed", in_tokens=900, out_tokens=4, savings=[Saving(DISTILLATION, TEACHER_COST, 0, estimated=True)],
            )
        )  # fmt: skip
    return found


def quantized(folder: Path, now: int) -> None:
    """What two runs of `farthing quantize` left: one that took the second scheme, and one that took none."""
    before = Bytes(16_060_000_000, 17_200_000_000, 0, 38.8)

    def tried(scheme: str, files: int, loss: float, speed: float, *, passed: bool) -> Tried:
        word = Loss("perplexity", 6.24, 6.24 * (1 + loss), loss, loss - 0.004, loss + 0.004, 20_440)
        right = Loss("task", 0.812, 0.812 * (1 - loss), loss, loss - 0.012, loss + 0.012, 900)
        return Tried(
            scheme, 128 if scheme == "W4A16" else 0, "rtn", Size(files - 2_100_000_000, 2_000_000_000, 0, 50_000_000, 50_000_000), files,
            files // 2, 8_000_000_000, Bytes(files, files + 1_200_000_000, 0, speed), 260.0, 20_000_000_000, word, right,
            "kept" if passed else "lost", passed, "/srv/models/llama-8b-quantized",
        )  # fmt: skip

    given = (
        "shown",
        "vllm",
        "H100",
        "sync",
        "llm-compressor",
        {"llmcompressor": "0.14.0"},
        "few streams at once: weights of 4 bits",
    )
    good = tried("W8A16", 9_080_000_000, 0.006, 51.0, passed=True)
    bad = tried("W4A16", 5_730_000_000, 0.061, 83.5, passed=False)
    for name, schemes in (("llama-8b", (bad, good)), ("<i>hostile</i>", (bad,))):
        report = Report("Meta-Llama-3.1-8B", "/srv/models/llama-8b", "the help pages of Python", 0.03, *given, before, schemes, name, now - DAY_US)  # type: ignore[arg-type]  # fmt: skip
        reports.keep(folder, "quantized", name, for_machines(report))


def tuned(folder: Path, now: int) -> None:
    """What a run of `farthing distil tune` left, as far as pages read it."""
    shown = {
        "name": "triage-small", "base": "/srv/models/llama-1b", "teacher": "gpt-5.4", "finished_us": now - 2 * DAY_US,
        "before": {"share": 0.41}, "after": {"share": 0.93}, "change": {"cases": 220, "difference": 0.52, "low": 0.44, "high": 0.59},
    }  # fmt: skip
    reports.keep(folder, "tuned", "triage-small", shown)


async def fill(store: Store, now: int) -> None:
    await store.write(records(now))
    await students(store, now)


async def main(url: str, folder: str = "") -> None:
    store = await open_store(url)
    await fill(store, now_us())
    await store.close()
    if folder:
        quantized(Path(folder), now_us())
        tuned(Path(folder), now_us())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
