"""How a teacher spells its answers now, and whether what it says is still spelled so.

Clients compare answers letter by letter, so `Billing` for `billing`, a line end more, or other white space in JSON is another
answer to them, although it says the same. A teacher that spells an answer in several ways, to and fro, is given the one that
it uses most lately; the others are known to its clients too. One that changed its way is spelled in the new one, and what it
only said before that is left out: nobody knows how it would spell it today. Knows nothing of texts and of training.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
        self._words = frozenset(word for each in self._all for word in _words(each))

    def agrees(self, answer: str, told: str) -> bool:
        """Whether the teacher says the same as the student, spelled in a way that its clients know."""
        return told in self._used.get(answer, ())

    def is_known(self, told: str) -> bool:
        return told in self._all

    def is_other(self, told: str) -> bool:
        """Whether it is known what is said, but not so; or its words are known, and it is built as no answer is: JSON for a
        word, another member. A refusal in words of its own is neither: any caller can have that."""
        if self.is_known(told):
            return False
        built = _build(told) not in self._builds and not self._words.isdisjoint(_words(told))
        return built or meaning(told) in self._meanings


def meaning(answer: str) -> str:
    """What an answer says, for comparison."""
    stripped = answer.strip()
    if stripped[:1] not in ("{", "["):
        return " ".join(stripped.lower().split())
    value = _value(stripped)
    return stripped.lower() if value is None else msgspec.json.encode(_lowered(value), order="sorted").decode()


def _lowered(value: Any, depth: int = 0) -> Any:
    if depth > 20:
        return value
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, dict):
        return {name: _lowered(each, depth + 1) for name, each in value.items()}
    return [_lowered(each, depth + 1) for each in value] if isinstance(value, list) else value


def _build(answer: str) -> tuple[str, ...]:
    """The members of JSON, or that it is words, or that it is fenced."""
    if answer.lstrip().startswith(_FENCE):
        return ("fence",)
    value = _value(answer)
    if value is None:
        return ("words",)
    return tuple(sorted(value)) if isinstance(value, dict) else (type(value).__name__,)


def _words(answer: str) -> set[str]:
    """What is said, without what is built around it: the texts in JSON, or all of it."""
    inner = answer.strip()
    if inner.startswith(_FENCE):
        inner = inner.strip("`").partition("\n")[2].strip()
    value = _value(inner)
    return {meaning(inner)} if value is None else set(_texts(value))


_FENCE = "```"


def _value(answer: str) -> Any:
    """What JSON says; None for words."""
    try:
        return msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield meaning(value)
    elif isinstance(value, dict | list) and depth < 20:
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each, depth + 1)
