"""What a student learns from: texts and what the teacher answered, cleaned, in the order of time.

Answers are told apart by what they say, not by how they are spelled: case, white space around, and the order of JSON
members do not count. The student gives them as the teacher spells them now (`spelling`). No pair is dropped for
having a rare answer: live traffic has these too, so they must count against the student. For the same reason the calls must
be a fair sample of the traffic: where a student serves already, those that were held out and those that were drawn, answered
by it or not, beside all from before; never all that it gave back, which are the hard ones. Answers that the teacher replaced
by others are dropped: nobody gets them any more. Knows nothing of training.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from farthing.selfhost.students.changing import change
from farthing.selfhost.students.spelling import meaning, spellings
from farthing.steps.student.artefact import LONGEST
from farthing.wire.question import named_in

LONGEST_ANSWER = 2_000
MOST_ANSWERS = 300
OPEN = 0.35
"""Different answers a pair above which the answers are no closed set."""


class Captured(msgspec.Struct, frozen=True):
    """One call of a client that was kept to learn from."""

    text: str
    """All that a person asked."""
    answer: str
    """The words of the teacher's answer."""
    template: str = ""
    at_us: int = 0
    tenant: str = "default"
    feature: str = ""
    task: str = ""
    model: str = ""
    """The teacher."""
    context: str = ""
    """Fingerprint of all that the teacher was told beside the text, and the model that was asked for, as `Question.beside` says both;
    empty where that is not known."""
    settled: str = ""
    """The same without what changes in instructions from call to call."""


class DataSet(msgspec.Struct, frozen=True):
    """Pairs that are fit to learn from, the oldest first."""

    texts: tuple[str, ...]
    said: tuple[int, ...]
    """The answer of each, by its number."""
    answers: tuple[str, ...]
    """As the teacher spells them now, the most frequent first."""
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
    """Texts whose answer the teacher replaced by another, or whose spelling of now nobody knows."""
    spellings: tuple[tuple[str, ...], ...] = ()
    """How else each answer is spelled now."""

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
            spellings=tuple(self.spellings[number] for number in kept) if self.spellings else (),
        )  # fmt: skip


def clean(captured: Iterable[Captured], *, most: int) -> DataSet:
    """The newest `most` different texts of `captured`, in whatever order it comes."""
    pairs = sorted(captured, key=lambda each: each.at_us)
    kept: dict[str, tuple[Captured, str]] = {}
    unreadable = repeats = conflicts = 0
    for pair in pairs:
        text, answer = _words(pair.text), meaning(pair.answer)
        if not text or not answer or len(pair.text) > LONGEST or len(pair.answer) > LONGEST_ANSWER:
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
    spelled = spellings([(answer, pair.answer) for pair, answer in newest])
    newest = [(pair, answer) for pair, answer in newest if answer in spelled]
    outdated -= len(newest)
    times = Counter(answer for _, answer in newest)
    order = sorted(times, key=lambda answer: (-times[answer], answer))
    number = {answer: at for at, answer in enumerate(order)}
    return DataSet(
        texts=tuple(pair.text for pair, _ in newest), said=tuple(number[answer] for _, answer in newest),
        answers=tuple(spelled[answer][0] for answer in order), spellings=tuple(spelled[answer][1:] for answer in order),
        at_us=tuple(pair.at_us for pair, _ in newest), templates=tuple(sorted({pair.template for pair, _ in newest})),
        seen=len(pairs), unreadable=unreadable, repeats=repeats, conflicts=conflicts, outdated=outdated,
    )  # fmt: skip


def _words(text: str) -> str:
    return " ".join(text.lower().split())


FEW = 3
LATE = 0.2
"""The newest share of calls, by which contexts are told that will come again."""
KNOWN = 0.9
OFTEN = 5
"""Calls of a context, or of a model, from which on something was learned of it: one that was tried once or twice is left to the teacher."""


def steady(captured: Iterable[Captured]) -> tuple[str, ...]:
    """The contexts of these calls. Where new ones come all the time, as with a date in the instructions, those of tomorrow's calls are in no
    list, and such a change was learned to be none: then without what changes in instructions. Empty where they are not known, or
    new ones come all the time even so."""
    pairs = sorted(captured, key=lambda each: each.at_us)
    return _steady([each.context for each in pairs if each.context]) or _steady(
        [each.settled for each in pairs if each.settled]
    )


def _steady(contexts: Sequence[str]) -> tuple[str, ...]:
    different = _often(contexts)
    late = len(contexts) - int(LATE * len(contexts))
    early = set(contexts[:late])
    known = sum(each in early for each in contexts[late:])
    return tuple(sorted(different)) if len(different) <= FEW or known >= KNOWN * len(contexts[late:]) else ()


def asked_for(captured: Iterable[Captured]) -> tuple[str, ...]:
    """The models that these calls asked for, as clients name them; where that is not known, those that answered."""
    return tuple(sorted(_often([named_in(each.context) or each.model for each in captured]) - {""}))


def _often(names: Iterable[str]) -> set[str]:
    times = Counter(names)
    return {name for name in times if times[name] >= OFTEN} or set(times)


def by_scope(
    captured: Iterable[Captured], scopes: Sequence[str] = ("template", "task")
) -> dict[tuple[str, str], list[Captured]]:
    """Pairs by (tenant, scope): each counts for its template and for its task, as far as it has them. Those without a template
    count for none: their instructions are in the text, and no one can tell when these change."""
    found: dict[tuple[str, str], list[Captured]] = defaultdict(list)
    for pair in captured:
        if not pair.template:
            continue
        if "template" in scopes:
            found[pair.tenant, f"template:{pair.template}"].append(pair)
        if "task" in scopes and pair.task:
            found[pair.tenant, f"task:{pair.task}"].append(pair)
    return found
