"""What can go wrong, on request or by chance.

A request asks for faults by any of these; the last two pass gateways that drop headers they do not know:

- the header `x-simulate-fault: NAME`, `NAME=VALUE`, `NAME=VALUE@TIMES`, several with commas between;
- the field `metadata.simulate_fault` of its body, with the same text;
- `[[simulate: NAME=VALUE]]` in the text of its last user message.

`@TIMES` hits only the first so many requests with that body, so that a retry of the same request gets through.
By chance: `SimulatorSettings.faults` gives the share of calls that each fault hits; the seed and the number of the call
decide which, so that two runs of the same calls in the same order meet the same faults.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from farthing.upstream.simulator import seeds

FAULTS: dict[str, tuple[float, str]] = {
    "status-400": (0, "invalid request"),
    "status-401": (0, "invalid key"),
    "status-403": (0, "not allowed"),
    "status-404": (0, "no such model"),
    "status-408": (0, "request timeout"),
    "status-409": (0, "conflict"),
    "status-413": (0, "body too large"),
    "status-422": (0, "cannot be processed"),
    "status-429": (1, "rate limit; VALUE: seconds of retry-after"),
    "insufficient-quota": (0, "429 that no retry can help"),
    "status-500": (0, "server error"),
    "status-502": (0, "a proxy's HTML page"),
    "status-503": (0, "unavailable; VALUE: seconds of retry-after"),
    "status-504": (0, "a proxy's HTML page"),
    "status-529": (0, "overloaded"),
    "content-filter": (0, "an answer without content, since a filter kept it back; its prompt is billed"),
    "overloaded-midstream": (3, "an error event after VALUE deltas"),
    "cut-stream": (3, "the connection closes after VALUE deltas, or in the middle of a plain body"),
    "endless": (0.01, "the stream never ends; VALUE: seconds between deltas"),
    "slow-first-byte": (5, "VALUE seconds until the first byte"),
    "stall": (30, "VALUE seconds of silence in the middle"),
    "malformed-json": (0, "a body, or one event, that is no JSON"),
    "missing-usage": (0, "no usage"),
    "zero-usage": (0, "a usage of zeros"),
    "lying-usage": (2, "the usage times VALUE"),
    "usage-with-choices": (0, "OpenAI stream: usage in the chunk that has the finish reason, none apart"),
    "usage-twice": (0, "OpenAI stream: usage there and in its own chunk"),
    "usage-everywhere": (0, "OpenAI stream: usage in every chunk"),
    "usage-output-only": (0, "Anthropic stream: message_delta has the output alone"),
    "usage-late": (0, "Anthropic stream: zeros at the start, all at the end"),
    "usage-split-late": (0, "Anthropic stream: the whole prompt as input at the start, its cached parts at the end"),
    "wrong-length": (100, "Content-Length is VALUE bytes too large, then the connection closes"),
    "truncated-body": (0, "half the body, with the right Content-Length"),
    "empty-body": (0, "200 and no body"),
    "html": (0, "200 and a page"),
    "huge-body": (16, "VALUE MB more than needed, in a field or an event of its own"),
    "drop": (0, "the connection closes before any byte; nothing is done or billed"),
    "lost-reply": (0, "the work is done and billed, then the connection closes"),
    "batch-fail": (0, "batches: validation fails after creation (token_limit_exceeded)"),
    "batch-fail-invalid-json-line": (0, "the same with another code"),
    "batch-fail-duplicate-custom-id": (0, "the same with another code"),
    "batch-fail-url-mismatch": (0, "the same with another code"),
    "batch-fail-model-mismatch": (0, "the same with another code"),
    "batch-fail-empty-file": (0, "the same with another code"),
    "batch-fail-too-many-tasks": (0, "the same with another code"),
    "batch-expire": (0.5, "batches: expires when the share VALUE of its lines is done; 0: without any output"),
    "batch-stuck": (0, "batches: stays as it was created"),
    "batch-empty-error-file": (0, "batches: `error_file_id` is an empty text instead of null"),
    "batch-missing-error-file": (0, "batches: no error file although lines failed"),
    "batch-lost-lines": (0.1, "batches: the share VALUE of lines is not done, and in no file"),
    "batch-no-status": (0.1, "batches: the share VALUE of lines is not done, and comes with status code 0"),
    "batch-bad-lines": (2, "batches: VALUE lines of the output are no JSON, besides those that are"),
    "batch-twice": (2, "batches: VALUE lines of the output come twice"),
    "batch-odd-state": (0, "batches: an unknown word for its state while it runs; 1: at its end too"),
    "batch-other-spelling": (0, "batches: `canceling` where it should be `cancelling`, and the other way round"),
    "batch-list-lag": (30, "batches: lists show it after VALUE seconds"),
    "batch-lost-reply": (0, "batches: created, then the connection closes"),
    "batch-slow-reply": (5, "batches: created, and the reply comes VALUE seconds later"),
    "batch-no-json": (0, "batches: created, and the reply is no JSON"),
    "batch-late-500": (0, "batches: created, and the reply is an error"),
    "batch-late-503": (0, "batches: created, and the reply is an error"),
    "batch-late-504": (0, "batches: created, and the reply is a proxy's page"),
    "batch-refuse-413": (0, "batches: not created, the body is too large"),
    "batch-refuse-429": (0, "batches: not created, too many requests"),
    "batch-refuse-500": (0, "batches: not created, server error"),
    "batch-look-500": (0, "batches: server error where a batch is looked at, listed or cancelled"),
    "batch-cut-results": (0, "batches: the connection closes in the middle of a file that is fetched"),
}
"""Name -> (VALUE where none is given, what happens)."""

_MARKER = re.compile(r"\[\[simulate:\s*([^\]]{1,200})\]\]")
_REMEMBERED = 10_000


class Plan(msgspec.Struct, frozen=True):
    """The faults of one call."""

    values: dict[str, float] = {}

    def get(self, name: str) -> float | None:
        return self.values.get(name)

    def has(self, name: str) -> bool:
        return name in self.values


class UnknownFault(ValueError):
    """The text names a fault that there is not."""


def parse(text: str) -> dict[str, tuple[float, int | None]]:
    """Name -> (value, times). Raises UnknownFault."""
    found: dict[str, tuple[float, int | None]] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        named = re.fullmatch(r"\s*([\w-]+)\s*(?:=\s*([\d.]+))?\s*(?:@\s*(\d+))?\s*", part)
        name = named[1] if named else part.strip()
        name = f"status-{name}" if name.isdigit() else name
        if named is None or name not in FAULTS:
            raise UnknownFault(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
        try:
            value = float(named[2]) if named[2] else FAULTS[name][0]
        except ValueError as error:
            raise UnknownFault(f"{name}: {named[2]!r} is no number") from error
        found[name] = (value, int(named[3]) if named[3] else None)
    return found


class Faults:
    def __init__(self, schedule: Mapping[str, float], seed: int) -> None:
        """Raises UnknownFault."""
        for name in schedule:
            parse(name)
        self._schedule = dict(schedule)
        self._seed = seed
        self._seen: OrderedDict[int, int] = OrderedDict()

    def plan(self, header: str, body: Mapping[str, Any], number: int, fingerprint: bytes = b"") -> Plan:
        """The faults of the call with this number. Raises UnknownFault."""
        values = {
            name: FAULTS[name][0]
            for name, share in self._schedule.items()
            if seeds.unit(self._seed, "fault", name, number) < share
        }
        asked = parse(",".join(part for part in (header, _in_metadata(body), _in_prompt(body)) if part))
        for name, (value, times) in asked.items():
            if times is None or self._turn(seeds.number(name, fingerprint)) <= times:
                values[name] = value
        return Plan(values)

    def _turn(self, key: int) -> int:
        """How often this was asked, this time included."""
        self._seen[key] = self._seen.get(key, 0) + 1
        self._seen.move_to_end(key)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return self._seen[key]


def _in_metadata(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    asked = metadata.get("simulate_fault") if isinstance(metadata, dict) else None
    return asked if isinstance(asked, str) else ""


def _in_prompt(body: Mapping[str, Any]) -> str:
    said = body.get("messages") or body.get("input")
    if isinstance(said, list):
        said = next((one for one in reversed(said) if isinstance(one, dict) and one.get("role") == "user"), None)
        said = said.get("content") if said else None
    if isinstance(said, list):
        said = " ".join(str(part.get("text", "")) for part in said if isinstance(part, dict))
    marker = _MARKER.search(said) if isinstance(said, str) else None
    return marker[1] if marker else ""
