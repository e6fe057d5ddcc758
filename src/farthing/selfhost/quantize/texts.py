"""The text that a model is measured on, and calibrated on: the user's, or one that lies on every machine that has Python.

Nothing is fetched. The first part of a text calibrates, what follows measures: they never overlap. Knows nothing of models.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest

MOST = 50_000_000
"""Bytes of a text that are read."""
OWN = "pydoc_data.topics"
"""Help pages of the Python language: 460,000 characters of English prose and code, in each Python."""


class Text(msgspec.Struct, frozen=True):
    """A text, and where it comes from."""

    text: str
    source: str


def text_of(file: Path | None) -> Text:
    """The user's text, or the one that is at hand. Raises BadRequest."""
    if file is None:
        return _own()
    try:
        with file.open("rb") as data:
            text = data.read(MOST).decode("utf-8", "replace")
    except OSError as error:
        raise BadRequest(f"{file}: {error.strerror}") from None
    if not text.strip():
        raise BadRequest(f"{file} has no text in it")
    return Text(text, file.name)


def _own() -> Text:
    if find_spec("pydoc_data") is None or find_spec(OWN) is None:
        raise BadRequest("this Python comes without its help pages; name a text with --text")
    topics: dict[str, str] = import_module(OWN).topics
    return Text("\n\n".join(topics[name] for name in sorted(topics)), "the help pages of Python")
