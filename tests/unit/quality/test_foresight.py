"""A tenant whose prompts about poems are too hard for the small model, and whose others are not."""

import random

import msgspec
import pytest

from farthing.model.asked import Asked
from farthing.model.call import Ask, Call
from farthing.model.principal import Principal
from farthing.quality.features import kept_of
from farthing.quality.foresight import Foresight
from farthing.store.evidence import Sample

WORDS = ["invoice", "ticket", "refund", "parcel", "order", "account", "street", "number", "letter", "price"]


def asked(hard: bool, dice: random.Random) -> Asked:
    topic = ["sonnet", "rhyme", "metre"] if hard else ["table", "total", "sum"]
    text = " ".join(dice.choices(WORDS, k=8) + dice.choices(topic, k=6))
    return Asked(text=text, in_tokens=200)


def a_call(hard: bool, tenant: str = "t", task: str = "qa") -> Call:
    call = Call(
        id="c", wire="openai.chat", headers={}, peer="", body=b"", ask=Ask("auto"), started_us=1, started=0.0
    )  # fmt: skip
    call.principal, call.task, call.asked = Principal(tenant=tenant), task, asked(hard, random.Random(9))
    return call


class Kept:
    def __init__(self, count: int, wrong: float = 0.6) -> None:
        dice = random.Random(4)
        self.rows = []
        for number in range(count):
            hard = dice.random() < 0.3
            gap = -1.0 if hard and dice.random() < wrong else 0.0
            self.rows.append(Sample("t", number, f"call-{number}", "small", "qa", kept_of(asked(hard, dice)), gap))

    async def samples(self, **_: object) -> list[Sample]:
        return self.rows[::-1]


class Costs:
    def expected(
        self, model: str, in_tokens: int, cached: int, tenant: str, scopes: tuple[str, ...], *, longer: float = 1.0,
        at_us: int,
    ) -> int | None:  # fmt: skip
        return {"small": 100, "big": 2000}.get(model)


async def test_hard_prompts_are_told_from_easy_ones() -> None:
    foresight = Foresight(Kept(800), Costs(), [0.95], lambda: "big")
    await foresight.refresh()
    easy, hard = foresight.of(a_call(False), 0.95), foresight.of(a_call(True), 0.95)
    assert easy is not None and hard is not None and easy.worth > 0
    assert easy.gaps["small"] - hard.gaps["small"] > 0.2
    saved = easy.worth * 1900
    assert easy.gaps["small"] + saved > 0 > hard.gaps["small"] + saved, "the easy ones go to the small model alone"


@pytest.mark.parametrize(
    ("count", "floor", "tenant", "task"),
    [(60, 0.95, "t", "qa"), (800, 0.9, "t", "qa"), (800, 0.95, "other", "qa"), (800, 0.95, "t", "code")],
)
async def test_where_nothing_can_be_said(count: int, floor: float, tenant: str, task: str) -> None:
    foresight = Foresight(Kept(count), Costs(), [0.95], lambda: "big")
    assert foresight.of(a_call(False), 0.95) is None
    await foresight.refresh()
    assert foresight.of(a_call(False, tenant, task), floor) is None


async def test_what_fails_at_random_is_foretold_by_nothing_and_stays_with_the_flagship() -> None:
    dice = random.Random(7)
    kept = Kept(800)
    kept.rows = [msgspec.structs.replace(row, difference=-float(dice.random() < 0.3)) for row in kept.rows]
    foresight = Foresight(kept, Costs(), [0.999], lambda: "big")
    await foresight.refresh()
    found = foresight.of(a_call(False), 0.999)
    assert found is None or found.gaps["small"] + found.worth * 1900 < 0
