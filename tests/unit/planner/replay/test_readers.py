"""What replays share: the same is said as if it were read anew, and no more is kept than there is room for."""

import json
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from farthing.embed import EncoderError
from farthing.planner.replay.readers import Guesses, KnownNames, Reading, Remembered, Translated, encoded
from farthing.planner.replay.run import replay
from farthing.steps.task.classifier import Classifier
from farthing.upstream.simulator.prompt_cache import Block, Names
from farthing.wire import FORMATS
from farthing.wire.translate import TRANSLATIONS
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


def test_prefixes_of_a_remembered_prompt_have_the_names_that_any_have() -> None:
    names, known = Names(), KnownNames()
    ids, other = array("I", range(3_000)), array("I", range(1, 3_001))
    blocks = [Block(b"one", 5), Block(b"two", 7)]
    for _ in range(2):
        for scope in ("a", "b"):
            for prompt in (ids, other):
                for lengths in (range(1_024, 3_001, 128), range(1_024, 3_001, 64), [1_024, 2_000]):
                    assert known.of_tokens(scope, prompt, lengths) == names.of_tokens(scope, prompt, lengths)
            assert known.of_blocks(scope, blocks) == names.of_blocks(scope, blocks)


def test_names_without_room_are_made_anew() -> None:
    names, known = Names(), KnownNames(most_bytes=0)
    for at in range(50):  # each may lie where the one before lay
        ids = array("I", range(at, at + 300))
        assert known.of_tokens("a", ids, range(100, 301, 100)) == names.of_tokens("a", ids, range(100, 301, 100))


async def test_replays_that_shape_prompts_share_what_that_makes_of_them() -> None:
    said = json.dumps({"parcels": [{"id": n, "late": n % 2} for n in range(60)]}, indent=4)
    calls = [chat(n, f"Sum this up.\n{said}\n{n}", system=f"{'Be brief. ' * 200}{n % 3}") for n in range(12)]
    reading = Reading()
    alone = await replay(calls, None, all_on)
    assert [await replay(calls, None, all_on, reading=reading) for _ in range(2)] == [alone, alone]


def test_a_remembered_translation_notes_the_same_on_what_is_asked_for() -> None:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 2_000, "messages": [{"role": "user", "content": "Hello"}]}
    bodies = [
        json.dumps({**body, **more}).encode()
        for more in ({}, {"thinking": {"type": "enabled", "budget_tokens": 1_024}})
    ]
    plain = TRANSLATIONS["anthropic.messages", "openai.chat"]
    remembered = Translated(plain)
    format = FORMATS["anthropic.messages"]
    noted = []
    for each in [*bodies, *bodies]:
        ask, other = format.ask(each), format.ask(each)
        assert remembered.request(each, ask, "gpt-4o") == plain.request(each, other, "gpt-4o")
        assert ask == other
        noted.append(ask.wants_reasoning)
    assert noted == [False, True, False, True]


def test_what_is_written_on_a_request_in_one_replay_is_not_read_in_the_next() -> None:
    read = Reading().gateway.ask
    assert read is not None
    body = chat(1).prompt
    read("openai.chat", body).wants_reasoning = True
    assert read("openai.chat", body) == FORMATS["openai.chat"].ask(body)


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
