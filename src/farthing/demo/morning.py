"""Lets the company work: all pieces of work in a random order, some at a time."""

import asyncio
import random
from collections.abc import Mapping

from farthing.demo.company import FEATURES, Colleague, Done, Feature

AT_ONCE = 12


async def work(url: str, keys: Mapping[str, str], done: Done, seed: int = 7) -> None:
    """Do the morning's work through the gateway at `url`; `keys` by team. Raises what the SDKs raise."""
    dice = random.Random(seed)
    colleagues = {
        (feature.name, user): Colleague(url, keys[feature.team], feature.name, user)
        for feature in FEATURES
        for user in feature.users
    }
    pieces = [feature for feature in FEATURES for _ in range(feature.pieces)]
    dice.shuffle(pieces)
    turn = asyncio.Semaphore(AT_ONCE)

    async def piece(feature: Feature, seed: int) -> None:
        async with turn:
            own_dice = random.Random(seed)
            await feature.work(colleagues[feature.name, own_dice.choice(feature.users)], own_dice, done)

    try:
        async with asyncio.TaskGroup() as group:
            for feature in pieces:
                group.create_task(piece(feature, dice.getrandbits(32)))
    finally:
        for colleague in colleagues.values():
            await colleague.close()
