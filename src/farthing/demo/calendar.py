"""What happens on which day of the story, and when each piece of work is done: weekdays, hours, growth, a launch, accidents.

Days are counted from 0 in UTC; the last one is today, up to now. All of it follows from the seed.
"""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from farthing.demo.company import FEATURES, NIGHT, Feature, Moment, User

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
DAYS = 30
"""Full days before today."""
GROWTH = 1.006
"""From day to day."""
RAMP_DAYS = 5
"""After its launch a feature is found by more people each day."""


class Turn(msgspec.Struct, frozen=True):
    """A strategy is switched on, or something else that is new from a day on."""

    day: int
    what: str
    """In words, for the terminal."""


CACHE = Turn(8, "the exact cache is switched on")
BATCH = Turn(10, "the night's invoices can wait until the morning: one job, at half price")
STUDENT = Turn(11, "a small model of the shop's own learns to sort tickets, from those that were kept since day 1")
ROUTING = Turn(12, "three features leave the choice of the model to Farthing")
BALANCE = Turn(18, "Azure is a second place for OpenAI's models, with a contract for 12 % off")
PROMPTS = Turn(14, "prompts are marked for Claude's cache, and say the same in fewer tokens")
"""After people have seen what the doctor found of the contract desk, which marks nothing."""
TURNS = (CACHE, BATCH, STUDENT, ROUTING, PROMPTS, BALANCE)

LAUNCHED = tuple(feature for feature in FEATURES if feature.hours is not NIGHT)
"""What people do at any time of a live day."""

STAMPED_FROM, STAMPED_DAYS = 14, 2
"""For so many days a new prompt of the support chat begins with the time: nothing is in the provider's cache any more."""
RETRY_FROM, RETRIES = 20, 4
"""For a day a new version of the support chat sends each message so many times."""
HANDED_IN, WORKED_BY = 3, 7
"""Hours between which a night's invoices are worked."""
RECALL_FROM, RECALL_DAYS = 17, 2
"""For so many days most tickets are about a lamp that is called back: nothing like what was learned from."""
OUTAGE_FROM, OUTAGE_HOURS = 25, (10, 11)
"""Azure answers with 503 from the first to the second hour of a day."""
LAST_WEEKDAY = 2
"""Accidents happen on Mondays to Wednesdays: on the first of them from the days above on."""


class Accidents(msgspec.Struct, frozen=True):
    """Their days."""

    stamped: range
    retry: int
    recall: range
    outage: int


@lru_cache(maxsize=8)
def accidents(start_us: int) -> Accidents:
    """When they happen in a story that begins then."""
    stamped, recall = _weekday(start_us, STAMPED_FROM), _weekday(start_us, RECALL_FROM)
    return Accidents(
        range(stamped, stamped + STAMPED_DAYS), _weekday(start_us, RETRY_FROM), range(recall, recall + RECALL_DAYS),
        _weekday(start_us, OUTAGE_FROM),
    )  # fmt: skip


def _weekday(start_us: int, day: int) -> int:
    while datetime.fromtimestamp((start_us + day * DAY_US) / 1e6, UTC).weekday() > LAST_WEEKDAY:
        day += 1
    return day


class Piece(msgspec.Struct, frozen=True):
    """A piece of work to be done."""

    at_us: int
    name: str
    feature: Feature
    user: User
    seed: int
    moment: Moment


def start_of(now_us: int, days: int = DAYS) -> int:
    """When the story begins that ends at `now_us`."""
    return (now_us // DAY_US - days) * DAY_US


def pieces(start_us: int, day: int, scale: float, seed: int) -> list[Piece]:
    """The work of one day, in its order. `scale` makes the company smaller or larger."""
    dice = random.Random(f"{seed} {day}")
    begun_us = start_us + day * DAY_US
    weekday = datetime.fromtimestamp(begun_us / 1e6, UTC).weekday()
    mood = dice.lognormvariate(0, 0.05)
    found = [
        piece
        for feature in FEATURES
        if day >= feature.from_day
        for piece in _of(feature, day, start_us, scale * mood * _usual(feature, day, weekday), dice)
    ]
    return sorted(found, key=lambda piece: piece.at_us)


def _usual(feature: Feature, day: int, weekday: int) -> float:
    share = feature.weekend if weekday >= 5 else 1.0
    ramp = min(1.0, (day - feature.from_day + 1) / RAMP_DAYS) if feature.from_day else 1.0
    return share * ramp * float(GROWTH**day)


def _of(feature: Feature, day: int, start_us: int, times: float, dice: random.Random) -> Iterator[Piece]:
    expected = feature.a_day * times
    count = max(0, round(dice.normalvariate(expected, math.sqrt(expected) / 2)))
    for number, hour in enumerate(dice.choices(range(24), feature.hours, k=count)):
        at_us = start_us + day * DAY_US + hour * HOUR_US + dice.randrange(HOUR_US)
        name = f"{feature.name[:1]}{day:02}-{number:04}"
        yield Piece(
            at_us,
            name,
            feature,
            dice.choice(feature.users),
            dice.getrandbits(48),
            _moment(feature, day, at_us, start_us),
        )


def _moment(feature: Feature, day: int, at_us: int, start_us: int) -> Moment:
    chat, special = feature.name == "support chat", accidents(start_us)
    when = datetime.fromtimestamp(at_us / 1e6, UTC)
    return Moment(
        routed=day >= ROUTING.day,
        repeats=RETRIES if chat and day == special.retry else 1,
        recalled=feature.name == "ticket queue" and day in special.recall,
        stamped=f"It is {when:%A, %d %B %Y, %H:%M:%S}. " if chat and day in special.stamped else "",
    )


def can_wait(start_us: int, day: int, now_us: int) -> bool:
    """Whether the invoices of a night are one job: those of a night that is not over by `now_us` go as they did before."""
    return day >= BATCH.day and start_us + day * DAY_US + WORKED_BY * HOUR_US <= now_us


def is_out(start_us: int, now_us: int) -> bool:
    """Whether Azure is down."""
    day, hour = (now_us - start_us) // DAY_US, (now_us - start_us) % DAY_US / HOUR_US
    return day == accidents(start_us).outage and OUTAGE_HOURS[0] <= hour < OUTAGE_HOURS[1]
