"""Texts to vectors: what an encoder is, whoever computes the vectors.

`minilm` runs a small model in this process, `endpoint` asks an OpenAI-compatible endpoint, `memo` remembers. numpy and
onnxruntime are the extra `cache`; this module needs neither. Knows nothing of caches, routing or calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


CHARS_READ = 8_192
"""No encoder reads more characters than these from each end of a text. So no text, however long, takes long to cut into
tokens or to hash."""


def ends(text: str, most: int = CHARS_READ) -> str:
    """The text, or of one longer than twice `most` characters its first and its last `most`."""
    return text if len(text) <= 2 * most else f"{text[:most]} {text[-most:]}"


class EncoderError(Exception):
    """No vectors: a library or the model is missing, an endpoint failed. The message says what to do, and holds no text
    of a caller and no secret."""


class Encoder(Protocol):
    """Turns texts into vectors whose dot product is their cosine."""

    @property
    def name(self) -> str:
        """Identifies the vectors: those of two names must never be compared."""

    @property
    def dims(self) -> int:
        """Length of a vector; 0 while it is not known (an endpoint tells with its first answer)."""

    async def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of `dims` numbers a text, of length 1. Never holds up the event loop. Raises EncoderError."""

    async def close(self) -> None:
        """Frees what was loaded. Calls that wait get EncoderError, and so does each later one."""
