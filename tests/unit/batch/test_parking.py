"""What of a line counts against a provider's limits, beside its size."""

import pytest

from farthing.batch.parking import _inputs


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"model":"e","input":"one"}', 1), (b'{"input":["a","b","c"]}', 3), (b'{"input":[1,2,3]}', 1),
        (b'{"input":[[1,2],[3]]}', 2), (b'{"input":[]}', 1), (b"{}", 1), (b"no", 1), (b"[" * 5000, 1),
    ],
)  # fmt: skip
def test_texts_to_be_embedded_are_counted(body: bytes, count: int) -> None:
    assert _inputs("openai.embeddings", body) == count
    assert _inputs("openai.chat", body) == 0
