"""From bytes to typed values, with every way to fail turned into an error of ours that names the place.

Knows no format.
"""

import re
from typing import TypeVar

import msgspec

from farthing.model.errors import BadRequest, CannotTranslate, UpstreamError

T = TypeVar("T")

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_UNKNOWN_KIND = re.compile(r"Invalid value (.*) - at `\$\.?(.*)`$", re.DOTALL)
_PLACE = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.DOTALL)
_LONGEST = 200
"""Characters of a caller's own text that an error repeats."""


def request(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The client's request. Raises CannotTranslate for a field or a kind of part that the tables do not know, BadRequest
    for JSON that is broken or has the wrong types."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def answer(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """What a provider sent. Raises UpstreamError if it is not what its format promises."""
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"the provider's answer cannot be read: {_short(str(error))}") from None


def text(raw: bytes) -> str:
    """A piece of a provider's JSON as text. Raises UpstreamError if it is not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UpstreamError("the provider's answer is not UTF-8") from None


def _misfit(message: str) -> BadRequest:
    if found := _UNKNOWN_FIELD.match(message):
        field = ".".join(filter(None, (found[2], found[1])))[:_LONGEST]
        return CannotTranslate(
            f"{field}: the provider of this model speaks another format, and this field is not known to have a "
            "counterpart there; leave it out or use a model whose provider speaks this format",
            param=field,
        )
    if (found := _UNKNOWN_KIND.match(message)) and found[2].endswith("type"):
        field = found[2][:_LONGEST]
        return CannotTranslate(
            f"{field}: {_short(found[1])} has no counterpart in the format that this model's provider speaks",
            param=field,
        )
    if found := _PLACE.match(message):
        field = found[2][:_LONGEST]
        return BadRequest(f"{field}: {_short(found[1])}", param=field)
    return BadRequest(_short(message))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
