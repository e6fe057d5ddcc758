"""What a student learns from: texts and what the teacher answered, cleaned, in the order of time.

Answers are told apart by what they say, not by how they are spelled: case, white space around, and the order of JSON
members do not count. The spelling that the teacher uses most is the one that the student gives. No pair is dropped for
having a rare answer: live traffic has these too, so they must count against the student. For the same reason the calls must
be a fair sample of the traffic: where a student serves already, those that were held out and those that were drawn, answered
by it or not, beside all from before; never all that it gave back, which are the hard ones. Answers that the teacher replaced
by others are dropped: nobody gets them any more. Knows nothing of training.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from farthing.selfhost.students.changing import change

LONGEST_TEXT = 16_000
LONGEST_ANSWER = 2_000
MOST_ANSWERS = 300
OPEN = 0.35
"""Different answers a pair above which the answers are no closed set."""


class Captured(msgspec.Struct, frozen=True):
    """One call of a client that was kept to learn from."""

    text: str
    """The latest ask of a person, as `wire.asked` reads it."""
    answer: str
    """The words of the teacher's answer."""
    template: str = ""
    at_us: int = 0
    tenant: str = "default"
    feature: str = ""
    task: str = ""
    model: str = ""
    """The teacher."""


class DataSet(msgspec.Struct, frozen=True):
    """Pairs that are fit to learn from, the oldest first."""

    texts: tuple[str, ...]
    said: tuple[int, ...]
    """The answer of each, by its number."""
    answers: tuple[str, ...]
    """As the teacher spells them, the most frequent first."""
    at_us: tuple[int, ...]
    templates: tuple[str, ...]
    """All that occur; a student knows nothing of others."""
    seen: int = 0
    """Pairs before cleaning."""
    unreadable: int = 0
    repeats: int = 0
    """Texts that were there already; the newest stays."""
    conflicts: int = 0
    """Of these: with another answer."""
    outdated: int = 0
    """Texts whose answer the teacher replaced by another."""

    @property
    def size(self) -> int:
        return len(self.texts)

    @property
    def trouble(self) -> str:
        """Why nothing can be learned from it; empty if nothing speaks against it."""
        if len(self.answers) < 2:
            return "there is but one answer" if self.answers else "there are no pairs"
        if len(self.answers) > MOST_ANSWERS or len(self.answers) > max(2, OPEN * self.size):
            return f"the answers are no closed set: {len(self.answers):,} different ones in {self.size:,} calls"
        return ""

    def after(self, start: int) -> "DataSet":
        """Without the oldest `start` pairs, and without answers that only they had."""
        said = self.said[start:]
        kept = [number for number in range(len(self.answers)) if number in set(said)]
        place = {number: at for at, number in enumerate(kept)}
        return msgspec.structs.replace(
            self, texts=self.texts[start:], said=tuple(place[number] for number in said), at_us=self.at_us[start:],
            answers=tuple(self.answers[number] for number in kept),
        )  # fmt: skip


def clean(captured: Iterable[Captured], *, most: int) -> DataSet:
    """The newest `most` different texts of `captured`, in whatever order it comes."""
    pairs = sorted(captured, key=lambda each: each.at_us)
    kept: dict[str, tuple[Captured, str]] = {}
    unreadable = repeats = conflicts = 0
    for pair in pairs:
        text, answer = _words(pair.text), _meaning(pair.answer)
        if not text or not answer or len(pair.text) > LONGEST_TEXT or len(pair.answer) > LONGEST_ANSWER:
            unreadable += 1
            continue
        former = kept.pop(text, None)
        if former is not None:
            repeats += 1
            conflicts += former[1] != answer
        kept[text] = pair, answer
    newest = list(kept.values())[-most:]
    gone = change([answer for _, answer in newest]).gone
    outdated = len(newest)
    newest = [(pair, answer) for pair, answer in newest if answer not in gone]
    outdated -= len(newest)
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for pair, answer in newest:
        spelled[answer][pair.answer] += 1
    order = sorted(spelled, key=lambda answer: (-spelled[answer].total(), answer))
    number = {answer: at for at, answer in enumerate(order)}
    return DataSet(
        texts=tuple(pair.text for pair, _ in newest), said=tuple(number[answer] for _, answer in newest),
        answers=tuple(spelled[answer].most_common(1)[0][0] for answer in order),
        at_us=tuple(pair.at_us for pair, _ in newest), templates=tuple(sorted({pair.template for pair, _ in newest})),
        seen=len(pairs), unreadable=unreadable, repeats=repeats, conflicts=conflicts, outdated=outdated,
    )  # fmt: skip


def _words(text: str) -> str:
    return " ".join(text.lower().split())


def _meaning(answer: str) -> str:
    """What an answer says, for comparison."""
    stripped = answer.strip()
    if stripped[:1] in ("{", "["):
        try:
            value = msgspec.json.decode(stripped)
        except (msgspec.DecodeError, RecursionError):
            return stripped.lower()
        return msgspec.json.encode(_lowered(value), order="sorted").decode()
    return " ".join(stripped.lower().split())


def same(one: str, other: str) -> bool:
    """Whether two answers say the same."""
    return _meaning(one) == _meaning(other)


def _lowered(value: Any, depth: int = 0) -> Any:
    if depth > 20:
        return value
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, dict):
        return {name: _lowered(each, depth + 1) for name, each in value.items()}
    return [_lowered(each, depth + 1) for each in value] if isinstance(value, list) else value


def by_scope(
    captured: Iterable[Captured], scopes: Sequence[str] = ("template", "task")
) -> dict[tuple[str, str], list[Captured]]:
    """Pairs by (tenant, scope): each counts for its template and for its task, as far as it has them."""
    found: dict[tuple[str, str], list[Captured]] = defaultdict(list)
    for pair in captured:
        if "template" in scopes and pair.template:
            found[pair.tenant, f"template:{pair.template}"].append(pair)
        if "task" in scopes and pair.task:
            found[pair.tenant, f"task:{pair.task}"].append(pair)
    return found
