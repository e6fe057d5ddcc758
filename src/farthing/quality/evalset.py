"""Eval sets: prompts with known answers or checks, put to the flagship and its cheaper rivals. What comes of it is evidence
of source `eval`, beside that of traffic.

A file of JSON lines, each with
    prompt or messages   what is asked: a text, or the messages of a chat
    answer               optional: the right answer, or a list of right ones
    check                optional: as in the settings (`json`, `regex:...`); default: what the request itself implies
    body                 optional: more members of the request (`response_format`, `tools`, `max_tokens`)

An answer counts as right if it passes the check and, where there is one, says the right answer: equal words, an equal
number at its end, equal JSON, or the right answer as its last line. Without answer and check the two are compared as in a
shadow. Knows nothing of files' places and of terminals.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from farthing.model.errors import FarthingError
from farthing.model.money import Nano
from farthing.quality.checks import check, named
from farthing.quality.compare import Comparer, Pair, same
from farthing.quality.errand import FEATURES, Errands, Sent
from farthing.quality.noninferiority import Counts, counted, lower
from farthing.wire.asked import asked
from farthing.wire.said import Said, said

FEATURE = FEATURES[3]
WIRE = "openai.chat"
MOST = 100_000
AT_ONCE = 8

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class EvalError(Exception):
    """What is wrong with an eval set, and in which line."""


class Case(msgspec.Struct, frozen=True):
    """One line."""

    messages: tuple[dict[str, Any], ...]
    answers: tuple[str, ...] = ()
    check: str = "auto"
    body: dict[str, Any] = {}


class Found(msgspec.Struct, frozen=True):
    """How one model did, beside the flagship on the same cases."""

    model: str
    cases: int
    """That both answered and that could be told apart."""
    right: float | None
    """Share of right answers; None where cases have no right ones."""
    flagship_right: float | None
    difference: float
    """Mean, -1 to 1."""
    lower: float
    """What the difference is at least (95 %, valid at any time)."""
    failed: int
    """Cases that one of the two did not answer, or nobody could judge."""
    cost: Nano | None
    """None where a price is not known."""


Noted = Callable[[str, float], None]
"""Takes a model and a difference, as evidence."""


class _Line(msgspec.Struct):
    prompt: str = ""
    messages: list[dict[str, Any]] = []
    answer: str | list[str] = ""
    check: str = "auto"
    body: dict[str, Any] = {}


def read(lines: Iterable[bytes]) -> list[Case]:
    """The cases of a file's lines; empty lines do not count. Raises EvalError."""
    cases: list[Case] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=_Line)
            named(found.check)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise EvalError(f"line {number}: {error}") from None
        if bool(found.prompt) == bool(found.messages):
            raise EvalError(f"line {number}: give either `prompt` or `messages`")
        if len(cases) >= MOST:
            raise EvalError(f"line {number}: more than {MOST:,} cases")
        messages = found.messages or [{"role": "user", "content": found.prompt}]
        answers = [found.answer] if isinstance(found.answer, str) else found.answer
        cases.append(Case(tuple(messages), tuple(filter(None, answers)), found.check, found.body))
    if not cases:
        raise EvalError("there is no case in it")
    return cases


def is_right(answers: Sequence[str], given: Said) -> bool:
    """Whether an answer says one of the right ones."""
    lines = given.text.strip().splitlines()
    last = lines[-1] if lines else ""
    told = [given, Said(last), Said(last.rpartition(":")[2])]
    return any(same(Said(right), each) for right in answers for each in told) or any(
        _is_number(right) and _last_number(given.text) == float(right) for right in answers
    )


class EvalSet:
    """Runs cases. `note` gets each difference."""

    def __init__(self, errands: Errands, comparer: Comparer, note: Noted, *, at_once: int = AT_ONCE) -> None:
        self._errands = errands
        self._comparer = comparer
        self._note = note
        self._gate = asyncio.Semaphore(at_once)

    async def run(self, cases: Sequence[Case], flagship: str, candidates: Sequence[str], tenant: str) -> list[Found]:
        """How each candidate does beside the flagship. A model that cannot be asked has failed cases; nothing is raised."""
        firsts = await self._each(lambda case: self._ask(case, flagship, tenant), cases)
        found = []
        for model in candidates:
            seconds = await self._each(lambda case, model=model: self._ask(case, model, tenant), cases)  # type: ignore[misc]
            found.append(await self._found(model, cases, firsts, seconds, tenant))
        return found

    async def _found(
        self, model: str, cases: Sequence[Case], firsts: Sequence[Sent | None], seconds: Sequence[Sent | None], tenant: str
    ) -> Found:  # fmt: skip
        counts, rights, flagship_rights, judged = Counts(), [], [], 0
        for case, first, second in zip(cases, firsts, seconds, strict=True):
            scores = _scores(case, first, second)
            if scores is not None and (case.answers or case.check != "auto"):
                rights.append(scores[0])
                flagship_rights.append(scores[1])
                difference: int | None = scores[0] - scores[1]
            else:
                difference = await self._compared(case, first, second, tenant)
            if difference is None:
                continue
            judged += 1
            counts += counted(1, difference, difference**2)
            self._note(model, difference)
        costs = [each.cost for each in seconds if each is not None]
        return Found(
            model, judged, _mean(rights), _mean(flagship_rights), counts.mean, lower(counts), len(cases) - judged,
            None if any(cost is None for cost in costs) else sum(cost or 0 for cost in costs),
        )  # fmt: skip

    async def _compared(self, case: Case, first: Sent | None, second: Sent | None, tenant: str) -> int | None:
        if first is None or second is None:
            return None
        request = _request(case, "")
        pair = Pair(tenant, WIRE, request, second.answer.body, first.answer.body, asked(WIRE, request), case.check)
        return (await self._comparer.compare(pair)).difference

    async def _ask(self, case: Case, model: str, tenant: str) -> Sent | None:
        async with self._gate:
            try:
                sent = await self._errands.send_priced(WIRE, _request(case, model), tenant=tenant, feature=FEATURE)
            except FarthingError:
                return None
            return sent if sent.answer.status == 200 else None

    async def _each(
        self, ask: Callable[[Case], Awaitable[Sent | None]], cases: Sequence[Case]
    ) -> list[Sent | None]:  # fmt: skip
        return await asyncio.gather(*(ask(case) for case in cases))


def _request(case: Case, model: str) -> bytes:
    return msgspec.json.encode({**case.body, "model": model, "messages": case.messages, "stream": False})


def _scores(case: Case, first: Sent | None, second: Sent | None) -> tuple[int, int] | None:
    """Whether the candidate and the flagship are right."""
    if first is None or second is None:
        return None
    candidate, flagship = (is_good(case, _request(case, ""), each.answer.body) for each in (second, first))
    return None if candidate is None or flagship is None else (int(candidate), int(flagship))


def is_good(case: Case, request: bytes, answer: bytes) -> bool | None:
    """Whether an answer of the chat wire passes the case's check and says the right answer; None where it cannot be read."""
    told = said(WIRE, answer)
    if told is None:
        return None
    checked = check(case.check, asked(WIRE, request), WIRE, request, answer)
    passed = checked is None or checked.passed
    return passed and (not case.answers or is_right(case.answers, told))


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None


def _last_number(text: str) -> float | None:
    numbers = _NUMBER.findall(text[-2000:].replace(",", ""))
    return float(numbers[-1]) if numbers else None


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
