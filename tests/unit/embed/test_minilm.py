"""The local encoder: what it says of texts, that it never holds up the loop, and what happens when it cannot work."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from farthing.embed import EncoderError
from farthing.embed.minilm import MiniLM

QUESTION = "How do I reset the password of my account in the app?"


async def test_close_questions_are_close(minilm: MiniLM) -> None:
    vectors = await minilm.encode(
        [QUESTION, "How can I reset my account password in the app?", "Who won the cup in 1974?"]
    )
    assert vectors.shape == (3, minilm.dims)
    assert float(vectors[0] @ vectors[1]) > 0.9
    assert float(vectors[0] @ vectors[2]) < 0.3


async def test_the_textbook_case_is_far_apart(minilm: MiniLM) -> None:
    """Known of this model, and why near misses need links."""
    ours, theirs = await minilm.encode(["What's our refund policy?", "How do I get a refund?"])
    assert float(ours @ theirs) == pytest.approx(0.68, abs=0.02)


async def test_the_same_text_has_the_same_vector_in_any_company(minilm: MiniLM) -> None:
    alone = await minilm.encode([QUESTION])
    assert np.array_equal(alone, await minilm.encode([QUESTION]))
    others = [f"Question {number}: {QUESTION}" for number in range(70)]
    crowd, *_ = await asyncio.gather(minilm.encode([*others, QUESTION]), *(minilm.encode([each]) for each in others))
    assert np.abs(crowd[-1] - alone[0]).max() < 1e-6


async def test_each_caller_gets_its_own_rows_in_order(minilm: MiniLM) -> None:
    texts = [f"{'word ' * (number % 7)}number {number}" for number in range(60)]
    expected = await minilm.encode(texts)
    parts = await asyncio.gather(*(minilm.encode(texts[start : start + 7]) for start in range(0, 60, 7)))
    assert np.abs(np.concatenate(parts) - expected).max() < 1e-6
    assert (await minilm.encode([])).shape == (0, 384)
    assert minilm.waiting == 0


async def test_a_question_does_not_wait_for_thousands_of_texts(minilm: MiniLM) -> None:
    crowd = asyncio.create_task(minilm.encode([f"{QUESTION} {number}" for number in range(2_000)]))
    await asyncio.sleep(0.05)
    assert minilm.waiting > 1_000
    await minilm.encode([QUESTION])
    assert not crowd.done()
    crowd.cancel()
    await asyncio.wait([crowd])
    await minilm.encode([QUESTION])
    assert minilm.waiting == 0


async def test_a_caller_who_goes_away_takes_nobody_along(minilm: MiniLM) -> None:
    gone = asyncio.create_task(minilm.encode([QUESTION]))
    stays = asyncio.create_task(minilm.encode([QUESTION]))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).shape == (1, 384)


async def test_the_loop_is_not_held_up(minilm: MiniLM) -> None:
    """A run of these texts takes more than 100 ms, which an encoder on the loop would hold it up for each time."""
    await minilm.warm()
    texts = [f"{QUESTION} {number} " * 20 for number in range(3)] + ["long " * 200_000]
    lags = []
    for _ in range(10):
        lags.append(await _lag_during(minilm, texts))
        if lags[-1] < 0.005:
            return
    pytest.fail(f"the loop was held up: {[round(1000 * lag, 1) for lag in lags]} ms")


async def _lag_during(minilm: MiniLM, texts: list[str]) -> float:
    """Seconds that the loop came late at worst, without what other processes of a busy machine took."""
    work, worst = asyncio.create_task(minilm.encode(texts)), 0.0
    while not work.done():
        queued, start = _queued(), time.perf_counter()
        await asyncio.sleep(0.001)
        late = time.perf_counter() - start - 0.001
        worst = max(worst, late - (_queued() - queued))
    return worst


def _queued() -> float:
    """Seconds that threads of this process were ready but had no core; Linux counts it."""
    return sum(int(task.read_text().split()[1]) for task in Path("/proc/self/task").glob("*/schedstat")) / 1e9


async def test_of_a_long_text_both_ends_are_read(minilm: MiniLM) -> None:
    middle = "The report goes on about the weather of that spring, and about the harvest. " * 40
    texts = [
        f"{middle} Summarize this.",
        f"{middle} Translate this into French.",
        f"Summarize this. {middle}",
        f"{middle[:1400]} MANY OTHER WORDS, ALL DIFFERENT {middle[1432:]} Summarize this.",
    ]
    end, other, start, changed = await minilm.encode(texts)
    assert float(end @ other) < 0.995 and float(end @ start) < 0.9999
    assert float(end @ changed) > 0.9999, "the middle of a long text is not seen, as the module says"
    assert not any(minilm.reads_whole(text) for text in texts)
    assert minilm.reads_whole(QUESTION)


@pytest.mark.parametrize("most", [4, 5, 16, 512])
async def test_the_reach_is_kept_to(most: int) -> None:
    encoder = MiniLM(max_tokens=most)
    for text in ("", "one", "one two three four", "word " * 5_000, "x" * 50_000, "\u0301" * 40_000):
        assert len(encoder._tokens(text)) <= most
    assert len(encoder._tokens("word " * 5_000)) == most
    await encoder.close()


@pytest.mark.parametrize(("threads", "tokens"), [(0, 256), (1, 3), (1, 513)])
def test_settings_that_make_no_sense_are_refused(threads: int, tokens: int) -> None:
    with pytest.raises(ValueError):
        MiniLM(threads, tokens)


async def test_a_missing_model_is_told_once_and_for_all(tmp_path: Path) -> None:
    encoder = MiniLM(model=tmp_path / "none.onnx")
    for _ in range(2):
        with pytest.raises(EncoderError, match=r"cannot be read: .*none.onnx: No such file"):
            await encoder.encode([QUESTION])
    (tmp_path / "none.onnx").write_bytes(b"late")
    with pytest.raises(EncoderError, match="cannot be read"):
        await encoder.encode([QUESTION])
    await encoder.close()


async def test_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"another model")
    encoder = MiniLM(model=tmp_path / "other.onnx")
    with pytest.raises(EncoderError, match=r"other.onnx is not the model that this version of Farthing knows"):
        await encoder.encode([QUESTION])
    await encoder.close()


async def test_closing_ends_who_waits() -> None:
    encoder = MiniLM()
    await encoder.warm()
    crowd = asyncio.create_task(encoder.encode([f"{QUESTION} {number}" for number in range(500)]))
    await asyncio.sleep(0.02)
    await encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        await crowd
    with pytest.raises(EncoderError, match="closed"):
        await encoder.encode([QUESTION])


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path) -> None:
    """In a process of its own, where the libraries cannot be found; nothing needs them before the first text."""
    for name in ("numpy", "onnxruntime"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('it is not there')")
    script = """
import asyncio
from farthing.embed import EncoderError
from farthing.embed.endpoint import Endpoint
from farthing.embed.memo import Memo
from farthing.embed.minilm import MiniLM
async def post(body): return 200, b"{}"
async def main():
    for encoder in (MiniLM(), Memo(MiniLM()), Endpoint(post, "m")):
        try:
            await encoder.encode(["a"])
        except EncoderError as error:
            print(error)
        await encoder.close()
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)}, timeout=60
    )
    assert done.stdout.count("pip install 'farthing[cache]'") == 3, done.stdout + done.stderr
