"""What a file of requests says, and what is wrong with it: one request a line, read piece by piece, checked as the provider
checks whose shape it has.

A mistake in a line's frame (no JSON, no or a second custom_id, another endpoint) is the whole file's: none of it runs.
One in the body of a request is that line's alone. What is held is one line, a digest of each custom_id, and the first
mistakes. Knows nothing of where files and lines are kept.
"""

import hashlib
import re
from typing import Literal, TypeVar

import msgspec

from farthing.model.batch import JobError
from farthing.model.call import Ask
from farthing.model.errors import BadRequest
from farthing.wire.format import Format

MOST_ERRORS = 100
"""Mistakes that are told of one file."""
ID_LIMIT = 512
"""Characters of a custom_id."""
_PLAIN_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What a custom_id of a Messages batch is."""
Shape = Literal["openai", "anthropic"]
T = TypeVar("T", bound=msgspec.Struct)


class _OfOpenAI(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


class _OfAnthropic(msgspec.Struct):
    custom_id: str
    params: msgspec.Raw


class Request(msgspec.Struct):
    """A request of a file."""

    no: int
    """From 0, blank lines not counted."""
    custom_id: str
    body: bytes
    ask: Ask | None = None
    """What the steps will read of it; None where it cannot be read."""
    refusal: BadRequest | None = None
    """Why the request cannot be run, if it cannot."""

    @property
    def model(self) -> str:
        """As it is asked for; empty where it cannot be read."""
        return self.ask.model if self.ask is not None else ""


class JsonLines:
    """Lines from pieces of a file. One that is longer than `most` bytes is None."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes | None]:
        """The lines that end in this piece."""
        first, *rest = piece.split(b"\n")
        if not rest:
            self._hold(first)
            return []
        self._hold(first)
        whole = [self._taken()]
        whole += [line if len(line) <= self._most else None for line in rest[:-1]]
        self._hold(rest[-1])
        return whole

    def end(self) -> list[bytes | None]:
        """The last line, if there is one without an end."""
        return [self._taken()] if self._size else []

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._most:
            self._held.append(part)
        else:
            self._held.clear()

    def _taken(self) -> bytes | None:
        line = b"".join(self._held) if self._size <= self._most else None
        self._held.clear()
        self._size = 0
        return line


class Check:
    """Reads the lines of one file. `most_requests` is the largest number of requests in it."""

    def __init__(self, shape: Shape, format: Format, *, most_requests: int, most_bytes: int) -> None:
        self.errors: list[JobError] = []
        self.total = 0
        """Requests so far."""
        self._format = format
        self._most_requests, self._most_bytes = most_requests, most_bytes
        self._line = 0
        self._seen: set[bytes] = set()
        self._read = self._openai if shape == "openai" else self._anthropic
        self._body = "body" if shape == "openai" else "params"
        self._plain_ids = shape == "anthropic"

    @property
    def hopeless(self) -> bool:
        """Whether reading on would tell nothing new."""
        return len(self.errors) >= MOST_ERRORS or self.total > self._most_requests

    def look(self, text: bytes | None) -> Request | None:
        """The next line. None for a blank one, and for one that is no request: then `errors` says why."""
        self._line += 1
        if text is None:
            self._wrong("invalid_json_line", f"The line is larger than {self._most_bytes // 2**20} MiB.")
            return None
        if not text or text.isspace():
            return None
        self.total += 1
        if self.total > self._most_requests:
            if self.total == self._most_requests + 1:
                self._wrong("too_many_tasks", f"The file has more than {self._most_requests} requests.", line=0)
            return None
        found = self._read(text)
        if found is None or not self._named(found[0]):
            return None
        body = bytes(found[1])
        if body[:1] != b"{":
            self._wrong("invalid_json_line", "The request is not a JSON object.", self._body)
            return None
        return self._request(found[0], body)

    def ended(self) -> None:
        """There are no more lines."""
        if not self.total and not self.errors:
            self._wrong("empty_file", "The input file has no requests.", line=0)

    def _openai(self, text: bytes) -> tuple[str, msgspec.Raw] | None:
        found = self._decoded(text, _OPENAI)
        if found is None:
            return None
        if found.method.upper() != "POST":
            self._wrong("invalid_json_line", "The method of each request must be POST.", "method")
            return None
        if found.url != self._format.path:
            says = f"The url of this request does not match the batch's endpoint, {self._format.path}."
            self._wrong("url_mismatch", says, "url")
            return None
        return found.custom_id, found.body

    def _anthropic(self, text: bytes) -> tuple[str, msgspec.Raw] | None:
        found = self._decoded(text, _ANTHROPIC)
        return None if found is None else (found.custom_id, found.params)

    def _decoded(self, text: bytes, decoder: msgspec.json.Decoder[T]) -> T | None:
        try:
            return decoder.decode(text)
        except msgspec.ValidationError as error:
            says, _, place = str(error).partition(" - at ")
            name = place.strip("`").removeprefix("$.") if place else _missing(says)
            self._wrong("invalid_json_line", f"The line is not a request: {says}.", name)
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._wrong("invalid_json_line", "This line is not parseable as valid JSON.")
            return None

    def _named(self, custom_id: str) -> bool:
        """Whether the request has a name of its own."""
        if self._plain_ids and not _PLAIN_ID.fullmatch(custom_id):
            says = "custom_id must have 1 to 64 characters: letters, digits, _ and -."
            self._wrong("invalid_json_line", says, "custom_id")
            return False
        if not 0 < len(custom_id) <= ID_LIMIT or "\0" in custom_id:
            says = f"custom_id must have 1 to {ID_LIMIT} characters, and no NUL."
            self._wrong("invalid_json_line", says, "custom_id")
            return False
        digest = hashlib.blake2b(custom_id.encode(errors="surrogatepass"), digest_size=12).digest()
        if digest in self._seen:
            says = "The custom_id of this request is that of another one. It must be unique in a batch."
            self._wrong("duplicate_custom_id", says, "custom_id")
            return False
        self._seen.add(digest)
        return True

    def _request(self, custom_id: str, body: bytes) -> Request:
        number = self.total - 1
        try:
            ask = self._format.ask(body)
        except BadRequest as error:
            return Request(number, custom_id, body, None, error)
        return Request(number, custom_id, body, ask, _STREAMED if ask.stream else None)

    def _wrong(self, code: str, message: str, param: str = "", line: int | None = None) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(JobError(code, message, self._line if line is None else line, param))


_STREAMED = BadRequest("A request of a batch cannot be streamed. Leave `stream` out.", param="stream")
_OPENAI = msgspec.json.Decoder(_OfOpenAI)
_ANTHROPIC = msgspec.json.Decoder(_OfAnthropic)


def _missing(says: str) -> str:
    """The member that the decoder did not find."""
    return says.partition("`")[2].partition("`")[0] if "missing" in says else ""
