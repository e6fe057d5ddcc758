"""Levers that learn in the replay: near questions once they are shown to be right, students once they agree, budgets that refuse."""

import random
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.levers import GUARDED, REPLAYED, switched
from farthing.planner.making import Wanted, make
from farthing.planner.replay.alike import Judged
from farthing.planner.replay.readers import Reading, encoded
from farthing.planner.replay.run import Came, replay
from farthing.prices import PriceBook
from farthing.settings import BudgetSettings, DeploymentSettings, ModelSettings, ProviderSettings, Settings, Url
from farthing.settings.values import Amount, Secret
from unit.planner.pasts import chat
from unit.planner.replay.test_alike import says

CACHE = REPLAYED[0]
NEAR, STUDENTS, BALANCE = GUARDED
FORMS = (
    "Where is the {} please?",
    "where's the {}?",
    "Where is the {}?",
    "where is the {}",
    "Please, where is the {}?",
    "Hello, where is the {}?",
)
THINGS = (
    "parcel",
    "letter",
    "pallet",
    "gift",
    "invoice",
    "label",
    "locker",
    "shop",
    "driver",
    "tariff",
    "claim",
    "depot",
)


class Words:
    """An encoder for which texts are near that have words in common."""

    name, dims = "words", 64

    async def encode(self, texts: Sequence[str]) -> Any:
        rows = [sum(map(self._of, text.lower().split()), start=np.zeros(64)) for text in texts]
        return np.array([row / (np.linalg.norm(row) or 1.0) for row in rows], dtype=np.float32)

    def _of(self, word: str) -> Any:
        word = word.strip("?,.")
        seed = int.from_bytes(blake2b(word.encode(), digest_size=4).digest(), "big")
        heavy = 1.0 if word in THINGS else 0.2
        return heavy * np.random.default_rng(seed).standard_normal(64)

    async def close(self) -> None:
        """Nothing is open."""


def asked(count: int) -> list[PastCall]:
    dice = random.Random(1)
    calls = []
    for n in range(count):
        thing = dice.choice(THINGS)
        text = dice.choice(FORMS).format(thing)
        calls.append(
            chat(n, text, at_s=n * 400.0, answer=says(f"The {thing} is in the hall."), body={"temperature": 0})
        )
    return calls


def near_too(tree: Settings) -> Settings:
    return switched(tree, [CACHE, NEAR])


async def test_near_questions_are_looked_at_alike_each_time_and_not_given_before_they_are_shown() -> None:
    calls = asked(120)
    encoder = await encoded(calls, Words())
    assert encoder is not None
    found: list[list[Came | None]] = []
    for _ in range(2):
        reading = Reading(encoder, Judged(calls))
        found.append(await replay(calls, None, near_too, reading=reading))
    assert found[0] == found[1]
    served = [each.cache for each in found[0] if each is not None]
    assert "exact" in served and "semantic" not in served
    await encoder.end()


async def test_budgets_refuse_in_the_replay_what_they_would_have_refused(book: PriceBook) -> None:
    own = serving("gpt-4o")
    own = msgspec.structs.replace(own, budgets={"all": BudgetSettings(amount=Amount("0.01"), window="day")})
    calls = [chat(n, f"Question {n}", usage=Usage(uncached_in=100, out=50)) for n in range(30)]
    free = await replay(calls, own, lambda tree: tree)
    held = await replay(calls, own, lambda tree: tree, budgets=True)
    refused = sum(each is None or each.status >= 400 for each in held)
    assert all(each is not None and each.status == 200 for each in free) and 0 < refused < 30
    plan = await make(calls, Wanted(own, book, []), lambda what, done, total: None)
    assert any(f"would refuse {refused} of these calls" in note for note in plan.notes)


def serving(*models: str) -> Settings:
    place = Url("http://127.0.0.1:1/v1")
    return Settings(
        providers={name: ProviderSettings(base_url=place, api_key=Secret("k")) for name in ("openai", "azure")},
        models={model: ModelSettings(provider="openai") for model in models},
    )


async def test_the_cheapest_place_is_taken_as_far_as_its_rate_limit_goes() -> None:
    places = [
        DeploymentSettings(provider="openai", model="gpt-4o"),
        DeploymentSettings(provider="azure", model="cheap", price_as="gpt-4o-mini", requests_per_minute=3),
    ]
    own = msgspec.structs.replace(serving(), models={"gpt-4o": ModelSettings(deployments=places)})
    calls = [chat(n, f"Question {n}", at_s=n * 4.0, duration_us=1_000) for n in range(60)]
    assert BALANCE.may_help(own, calls) and not BALANCE.may_help(serving("gpt-4o"), calls)
    found = await replay(calls, own, lambda tree: switched(tree, [BALANCE]))
    costs = Counter(each.cost for each in found if each is not None)
    assert len(costs) == 2 and costs[min(costs)] < 40


DESKS = {"billing": "invoice refund payment", "delivery": "parcel courier depot", "account": "password login profile"}


def sorted_tickets(count: int) -> list[PastCall]:
    dice = random.Random(2)
    calls = []
    for n in range(count):
        desk = dice.choice(list(DESKS))
        text = f"Ticket {n}: what of the {dice.choice(DESKS[desk].split())} of day {dice.randrange(1, 28)}?"
        calls.append(chat(n, text, at_s=n * 900.0, feature="triage", system="Sort tickets. " * 12, answer=says(desk)))
    return calls


async def test_a_student_answers_once_it_was_shown_to_agree() -> None:
    calls = sorted_tickets(900)
    encoder = await encoded(calls, Words())
    found = await replay(calls, None, lambda tree: switched(tree, [STUDENTS]), reading=Reading(encoder))
    taught = [each is not None and "distillation" in each.by_lever for each in found]
    assert not any(taught[:150]) and sum(taught) > 200
    assert all(each.cost == 0 for each, own in zip(found, taught, strict=True) if own and each is not None)


def test_students_are_tried_where_answers_are_short() -> None:
    short = [chat(n, answer=says("yes")) for n in range(300)]
    assert STUDENTS.may_help(Settings(), short) and not STUDENTS.may_help(Settings(), short[:200])
    assert not STUDENTS.may_help(Settings(), [chat(n, answer=says("word " * 400)) for n in range(300)])
