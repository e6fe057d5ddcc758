"""One loaded encoder for the tests that only use it."""

from collections.abc import Iterator

import pytest

from farthing.embed.minilm import MiniLM


@pytest.fixture(scope="module")
def minilm() -> Iterator[MiniLM]:
    encoder = MiniLM()
    yield encoder
    encoder._thread.shutdown()
