"""Puts variants of a prompt to a model, and says how good each answer is.

Each call goes through the pipeline as an errand: priced, in the ledger, within budgets. What was asked before, in this run or
an earlier one, is read from the file of answers. The run stops at the cost that was confirmed, and where too many calls
fail. Knows nothing of what is tried and why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from farthing.lab.items import Item
from farthing.lab.prompt import AS_IT_IS, Prompt, Variant
from farthing.lab.runs import Answers, Kept, name_of
from farthing.lab.trial import Outcome, all_of
from farthing.model.errors import FarthingError
from farthing.model.money import Nano, show_dollars
from farthing.quality.checks import check
from farthing.quality.compare import Comparer, Pair
from farthing.quality.errand import FEATURES, Errands, Sent
from farthing.quality.evalset import WIRE, is_good, is_right
from farthing.wire.asked import asked
from farthing.wire.said import Said, said

FEATURE = FEATURES[4]
AT_ONCE = 8
FEW = 5
"""Calls that may fail."""
SHARE = 0.05
"""And this share of those that were made."""


Send = Callable[[str, bytes], Awaitable[Sent]]
"""Puts a call under a name of its own, and gives its answer. Raises FarthingError."""


def at_once(errands: Errands, tenant: str) -> Send:
    """Each call by itself, as it comes."""

    async def send(_: str, body: bytes) -> Sent:
        return await errands.send_priced(WIRE, body, tenant=tenant, feature=FEATURE)

    return send


class Stopped(Exception):
    """The run cannot go on; what it has is kept."""


class Asking:
    """See the module. `heard` hears of each answer, whether it was paid for now; `bound` is what the run may cost,
    `most` how many calls may be under way."""

    def __init__(
        self, prompt: Prompt, items: Sequence[Item], model: str, send: Send, comparer: Comparer, answers: Answers,
        tenant: str, bound: Nano | None, heard: Callable[[bool], None] = lambda _: None, most: int = AT_ONCE,
    ) -> None:  # fmt: skip
        self._prompt = prompt
        self._items = items
        self._model = model
        self._send = send
        self._comparer = comparer
        self._answers = answers
        self._tenant = tenant
        self._bound = bound
        self._heard = heard
        self._gate = asyncio.Semaphore(most)
        self._under_way: Nano = 0
        self._dearest: Nano = 0
        self.calls = 0
        """Answers that were needed, those of earlier runs included."""
        self.paid = 0
        """Of these, asked now."""
        self.failed = 0

    async def scores(self, variant: Variant, numbers: Sequence[int]) -> list[Outcome | None]:
        """Raises Stopped."""
        return await all_of([self._outcome(variant, self._items[number]) for number in numbers])

    async def text(self, model: str, words: str) -> str | None:
        """What `model` answers to `words`; None where it does not. Raises Stopped."""
        body = {"model": model, "messages": [{"role": "user", "content": words}], "stream": False}
        kept = await self._answer(msgspec.json.encode(body))
        told = said(WIRE, kept.body.encode()) if kept is not None else None
        return told.text if told is not None and told.finish != "length" else None

    async def flips(self, numbers: Sequence[int]) -> float:
        """Share of items on which the prompt as it is does not do as well, or as badly, when it is asked once more. Raises
        Stopped."""
        first = await self.scores(AS_IT_IS, numbers)
        second = await all_of([self._outcome(AS_IT_IS, self._items[number], again=1) for number in numbers])
        pairs = [(one, other) for one, other in zip(first, second, strict=True) if one and other]
        return sum(one.score != other.score for one, other in pairs) / len(pairs) if pairs else 0.0

    async def _outcome(self, variant: Variant, item: Item, again: int = 0) -> Outcome | None:
        request = self._request(variant, item)
        kept = await self._answer(request, again)
        if kept is None:
            return None
        body = kept.body.encode()
        formed = check(item.case.check, asked(WIRE, request), WIRE, request, body)
        if item.is_known:
            good = is_good(item.case, request, body)
            if good is False and (formed is None or formed.passed):
                good = self._is_right_inside(variant, item, body)
            score = None if good is None else int(good)
        else:
            score = await self._beside_the_old(item, request, body, same=variant == AS_IT_IS and not again)
        if score is None:
            return None
        return Outcome(
            score, kept.in_tokens, kept.out_tokens, kept.cost, None if formed is None else formed.passed
        )  # fmt: skip

    def _is_right_inside(self, variant: Variant, item: Item, body: bytes) -> bool:
        """Whether an arm's JSON holds the right answer: the answer's form is the arm's doing, not a mistake."""
        arm, told = self._prompt.arms.get(variant.arm), said(WIRE, body)
        inside = arm.answer_in(told.text) if arm is not None and told is not None else None
        return inside is not None and is_right(item.case.answers, Said(inside))

    async def _beside_the_old(self, item: Item, request: bytes, body: bytes, *, same: bool) -> int | None:
        if same:
            return 1
        old = await self._answer(self._request(AS_IT_IS, item))
        if old is None:
            return None
        pair = Pair(self._tenant, WIRE, request, body, old.body.encode(), asked(WIRE, request), item.case.check)
        found = await self._comparer.compare(pair)
        return None if found.difference is None else 1 + found.difference

    def _request(self, variant: Variant, item: Item) -> bytes:
        body: dict[str, Any] = self._prompt.request(self._model, variant, item.inputs)
        return msgspec.json.encode(body)

    async def _answer(self, request: bytes, again: int = 0) -> Kept | None:
        key = name_of(request, b"%d" % again)
        async with self._gate:
            self.calls += 1
            kept = self._answers.get(key)
            if kept is None:
                self._check_bound()
                kept = await self._ask(key, request)
                self.paid += 1
                self._heard(True)
            else:
                self._heard(False)
        return kept

    async def _ask(self, key: str, request: bytes) -> Kept | None:
        self._under_way += self._dearest
        guess = self._dearest
        try:
            sent = await self._send(key, request)
        except FarthingError as error:
            self._note_failure(error.message)
            return None
        finally:
            self._under_way -= guess
        if sent.answer.status != 200:
            self._note_failure(f"the provider answered {sent.answer.status}")
            return None
        self._dearest = max(self._dearest, sent.cost or 0)
        return self._answers.put(key, sent.answer.body, sent.in_tokens, sent.out_tokens, sent.cost)

    def _check_bound(self) -> None:
        """Raises Stopped where one more call might pass the bound."""
        spent = self._answers.spent
        if self._bound is not None and spent + self._under_way + self._dearest > self._bound:
            raise Stopped(
                f"{show_dollars(spent)} are spent of the {show_dollars(self._bound)} that were agreed; nothing is lost: go on "
                f"with a higher --max-cost"
            )

    def _note_failure(self, why: str) -> None:
        self.failed += 1
        if self.failed > FEW + SHARE * self.calls:
            raise Stopped(f"{self.failed} of {self.calls} calls failed; the last one: {why}")
