"""From captured calls to versions of students in the store: what is worth training, and training it.

Worth it is a scope without a student that can be used, and one that has seen many more calls than its newest version learned from. Only fair
samples are learned from: `read` gives no others (`store.captures.Captured.is_fair`). One that people retired stays so until
somebody asks for it by name. Each student is kept as soon as it is trained, so whoever was ended goes on with the rest. Training takes seconds, in a thread beside the event loop, which numpy's work leaves free.
Knows nothing of live calls.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from farthing.embed import Encoder
from farthing.selfhost.students.calibrating import ERROR
from farthing.selfhost.students.due import Due, Foretold, features_of, foretell
from farthing.selfhost.students.pairs import Captured, DataSet, asked_for, by_scope, clean, steady
from farthing.selfhost.students.training import LEAST, MOST, train
from farthing.steps.student.artefact import FORM, Facts, Traffic, pack
from farthing.steps.student.features import NAME
from farthing.store.students import Students, Version

MORE_NEW = 0.3
"""A student is trained anew when so many different texts, as a share of those that it learned from, came since."""

Read = Callable[[], Awaitable[Sequence[Captured]]]
"""Captured calls to learn from, of all tenants: a fair sample."""
Told = Callable[[str, int, int], None]
"""Hears what is trained now, how many are done, and how many there are."""


def _untold(what: str, done: int, total: int) -> None:
    """For whom nobody waits."""


class School:
    """See the module. `redacted`: what is read was redacted, so that the student must read live texts so, too;
    `error`: probability that the agreement that is shown does not hold."""

    def __init__(
        self, kept: Students, encoder: Encoder | None, read: Read, *, target: float, traffic: Traffic, redacted: bool = False,
        error: float = ERROR,
    ) -> None:  # fmt: skip
        self._kept = kept
        self._encoder = encoder
        self._read = read
        self._target = target
        self._traffic: Traffic = traffic
        self._redacted = redacted
        self._error = error

    async def train_all(self, scope: str = "", told: Told = _untold) -> int:
        """Train what is worth it, or this scope whether it is or not; how many were trained. Raises StoreError,
        EncoderError."""
        due = await self._due(scope)
        trained = 0
        for at, each in enumerate(due):
            tenant, name = each.place
            told(f"{name} of {tenant}, {len(each.pairs):,} calls", at, len(due))
            trained += await self.train(
                each.place, each.pairs, after=each.newest.version if each.newest is not None else 0
            )
        return trained

    async def foretell(self, scope: str = "") -> list[Foretold]:
        """What `train_all` would do; trains nothing. Raises StoreError."""
        encodes = self._encoder is not None
        return [
            await asyncio.to_thread(foretell, each, most=MOST, least=LEAST, encodes=encodes)
            for each in await self._due(scope)
        ]

    async def _due(self, scope: str) -> list[Due]:
        newest: dict[tuple[str, str], Version] = {}
        for version in await self._kept.versions():
            newest.setdefault((version.tenant, version.scope), version)
        return [
            Due(place, pairs, newest.get(place))
            for place, pairs in by_scope(await self._read()).items()
            if (place[1] == scope if scope else is_worth_it(newest.get(place), pairs))
        ]

    async def train(
        self, place: tuple[str, str], pairs: Sequence[Captured], teacher: str = "", *, after: int | None = None
    ) -> bool:  # fmt: skip
        """Train one student and keep it, in the shadow if it can answer anything; `teacher` is whoever gave most of the
        answers, unless it is said. False where the answers are no closed set, or another version than `after` is the newest
        by then, since somebody else trained at the same time: then nothing is kept. Raises StoreError, EncoderError."""
        data = await asyncio.to_thread(clean, pairs, most=MOST)
        if data.trouble:
            return False
        vectors = await self._encoder.encode(data.texts) if self._encoder is not None else None
        name = self._encoder.name if self._encoder is not None else NAME
        found = await asyncio.to_thread(
            train, data, vectors, name, target=self._target, traffic=self._traffic, error=self._error
        )
        learned = [pair for pair in pairs if pair.at_us >= found.facts.from_us]
        facts = msgspec.structs.replace(
            found.facts, redacted=self._redacted, features=features_of(pairs), contexts=steady(learned), models=asked_for(learned),
            longest=max(map(len, data.texts)), spellings=_spellings(data, found.facts.answers),
        )  # fmt: skip
        why = facts.why_not or f"answers {facts.coverage:.0%} of {facts.pairs:,} calls at {facts.bound:.1%} or better"
        if data.outdated:
            why += f"; {data.outdated:,} calls were left out, whose answers the teacher replaced by others"
        weights = await asyncio.to_thread(pack, facts, found.judge) if found.judge is not None else b""
        return bool(await self._kept.add(
            *place, msgspec.json.encode(facts).decode(), weights, state="shadow" if weights else "mute",
            teacher=teacher or teacher_of(pairs), why=why, after=after,
        ))  # fmt: skip


def is_worth_it(newest: Version | None, pairs: Sequence[Captured]) -> bool:
    """See the module."""
    if newest is None:
        return True
    if newest.state == "retired":
        return False
    try:
        facts = msgspec.json.decode(newest.facts, type=Facts)
    except msgspec.DecodeError:  # damaged, or of another version
        return True
    if facts.form != FORM:
        return True
    new = {pair.text for pair in pairs if pair.at_us > facts.until_us}
    return len(new) > MORE_NEW * facts.pairs


def _spellings(data: DataSet, answers: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """For these answers, which may be some of the data's."""
    by_answer = dict(zip(data.answers, data.spellings, strict=True))
    return tuple(by_answer[answer] for answer in answers)


def teacher_of(pairs: Sequence[Captured]) -> str:
    """The model that gave most of the answers; empty where that is not known."""
    models = Counter(pair.model for pair in pairs if pair.model)
    return models.most_common(1)[0][0] if models else ""
