"""How a teacher spells its answers now, and whether what it says is still spelled so.

Clients compare answers letter by letter, so `Billing` for `billing`, a line end more, or other white space in JSON is another
answer to them, although it says the same. A teacher that spells an answer in several ways, to and fro, is given the one that
it uses most lately; the others are known to its clients too. One that changed its way is spelled in the new one, and what it
only said before that is left out: nobody knows how it would spell it today. Knows nothing of texts and of training.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

LATEST = 7
"""Calls of an answer whose commonest spelling is its spelling now."""
WINDOW = 50
"""Calls of an answer in which others that are in use are looked for."""
SURE = 5
"""Calls before and after a change of spelling that tell it from chance: 1 of 252 orders of ten calls looks so."""


def spellings(said: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Of each meaning, the spelling of now first, then the others that are in use. `said`: meaning and spelling of each call,
    the oldest first. What was said only before the teacher changed its way is not in it."""
    calls: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for at, (what, spelled) in enumerate(said):
        calls[what].append((at, spelled))
    changes = [began for each in calls.values() if (began := _changed(each))]
    since = min(changes, default=0)
    return {what: _used(each) for what, each in calls.items() if each[-1][0] >= since}


def _used(calls: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """Others are in use if they came both before and after a call with the spelling of now."""
    now = _now(calls)
    late = [spelled for _, spelled in calls[-WINDOW:]]
    first = {spelled: at for at, spelled in reversed(list(enumerate(late)))}
    last = {spelled: at for at, spelled in enumerate(late)}
    others = Counter(each for each in late if each != now and first[each] < last[now] and first[now] < last[each])
    return now, *(spelled for spelled, _ in others.most_common())


def _now(calls: Sequence[tuple[int, str]]) -> str:
    return Counter(spelled for _, spelled in reversed(calls[-LATEST:])).most_common(1)[0][0]


def _changed(calls: Sequence[tuple[int, str]]) -> int:
    """The call with which the spelling of now began to take the place of another for good; 0 if it did not."""
    now = _now(calls)
    began = next(at for at, spelled in calls if spelled == now)
    before = [spelled for at, spelled in calls if at < began]
    after = [spelled for at, spelled in calls if at >= began]
    return began if len(before) >= SURE <= after.count(now) and not set(before) & set(after) else 0


class Spelling:
    """What is known of a student's answers, to hold what its teacher says now against: by answer, as it is spelled in each way."""

    def __init__(self, answers: Sequence[str], others: Sequence[Sequence[str]]) -> None:
        pairs = zip(answers, others or [()] * len(answers), strict=True)
        self._used = {answer: frozenset((answer, *more)) for answer, more in pairs}
        self._all = frozenset(each for used in self._used.values() for each in used)
        self._meanings = frozenset(map(meaning, self._all))
        self._builds = frozenset(map(_build, self._all))

    def agrees(self, answer: str, told: str) -> bool:
        """Whether the teacher says the same as the student, spelled in a way that its clients know."""
        return told in self._used.get(answer, ())

    def is_known(self, told: str) -> bool:
        return told in self._all

    def is_other(self, told: str) -> bool:
        """Whether it is known what is said, but not so; or it is built as no answer is: JSON for words, another member."""
        return not self.is_known(told) and (meaning(told) in self._meanings or _build(told) not in self._builds)


def meaning(answer: str) -> str:
    """What an answer says, for comparison."""
    stripped = answer.strip()
    if stripped[:1] in ("{", "["):
        try:
            value = msgspec.json.decode(stripped)
        except (msgspec.DecodeError, RecursionError):
            return stripped.lower()
        return msgspec.json.encode(_lowered(value), order="sorted").decode()
    return " ".join(stripped.lower().split())


def _lowered(value: Any, depth: int = 0) -> Any:
    if depth > 20:
        return value
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, dict):
        return {name: _lowered(each, depth + 1) for name, each in value.items()}
    return [_lowered(each, depth + 1) for each in value] if isinstance(value, list) else value


def _build(answer: str) -> Collection[str]:
    """The members of JSON, or that it is words, or that it is fenced."""
    try:
        value = msgspec.json.decode(answer)
    except (msgspec.DecodeError, RecursionError):
        return ("fence",) if answer.strip().startswith("```") else ("words",)
    return tuple(sorted(value)) if isinstance(value, dict) else (type(value).__name__,)
