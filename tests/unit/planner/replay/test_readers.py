"""What replays share: the same is said as if it were read anew, and no more is kept than there is room for."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from farthing.embed import EncoderError
from farthing.planner.replay.readers import Guesses, Reading, Remembered, encoded
from farthing.planner.replay.run import replay
from farthing.steps.task.classifier import Classifier
from unit.planner.pasts import chat
from unit.planner.replay.test_run import all_on


def test_a_reader_reads_once_as_long_as_there_is_room() -> None:
    read: list[bytes] = []

    def length(format: str, body: bytes) -> int:
        read.append(body)
        return len(body)

    remembered = Remembered(length, most_bytes=1_500)
    for body in (b"one", b"two", b"three", b"one", b"two", b"three"):
        assert remembered("openai.chat", body) == len(body)
    assert read == [b"one", b"two", b"three", b"three"]


def test_a_remembered_guess_is_the_same_guess() -> None:
    guesses, classifier = Guesses(), Classifier()
    for text in ("Translate this into French: good day", "Sum up the report", "Translate this into French: good day"):
        assert guesses.guess(text, "You are a desk.") == classifier.guess(text, "You are a desk.")


async def test_a_second_replay_that_shares_readers_comes_to_the_same() -> None:
    calls = [chat(n, f"Is parcel {n % 7} late?") for n in range(30)]
    reading = Reading()
    alone = await replay(calls, None, all_on)
    assert await replay(calls, None, all_on, reading=reading) == alone
    assert await replay(calls, None, all_on, reading=reading) == alone


class Counting:
    """An encoder that counts."""

    name, dims = "counting", 2

    def __init__(self, fails: bool = False) -> None:
        self.texts: list[str] = []
        self.fails, self.closed = fails, False

    async def encode(self, texts: Sequence[str]) -> Any:
        if self.fails:
            raise EncoderError("there is none")
        self.texts += texts
        return np.ones((len(texts), 2), dtype=np.float32)

    async def close(self) -> None:
        self.closed = True


async def test_each_question_is_encoded_once_and_outlives_a_gateway() -> None:
    encoder = Counting()
    kept = await encoded([chat(n, f"Is parcel {n % 3} late?") for n in range(9)], encoder)
    assert kept is not None and len(encoder.texts) == 3
    await kept.close()
    assert not encoder.closed
    await kept.encode(["Is parcel 1 late?"])
    assert len(encoder.texts) == 3
    await kept.end()
    assert encoder.closed


async def test_without_an_encoder_there_is_none() -> None:
    encoder = Counting(fails=True)
    assert await encoded([chat(1)], encoder) is None and encoder.closed
