"""Captures' part of the composition root: settings -> the step that keeps calls to learn from. Nothing is decided here."""

import random
from contextlib import AsyncExitStack

from farthing.app.around import REAL, Around
from farthing.settings import Settings
from farthing.steps.capture.keeper import Keeper, Rules
from farthing.steps.capture.step import Capture
from farthing.store import Store
from farthing.store.captures import Captures
from farthing.store.sealing import wrapping


def build_captures(
    settings: Settings, store: Store, stack: AsyncExitStack, around: Around = REAL
) -> tuple[tuple[Capture, ...], Keeper]:
    """The step, where anything is to be kept, and who writes it down. What was kept comes to its end either way. Raises
    StoreError for a key that is none."""
    rules = settings.capture
    keeper = Keeper(
        Captures(store, wrapping(rules.encryption_key.reveal())),
        Rules(rules.redact, rules.keep_days, rules.max_rows, rules.max_chars), around.clock.now_us,
    )  # fmt: skip
    if not around.driven:
        keeper.start()
    stack.push_async_callback(keeper.close)
    if not (rules.features or rules.tasks):
        return (), keeper
    chance = around.dice.random if around.dice is not None else random.random
    return (
        Capture(
            rules.features, rules.tasks, rules.percent / 100, keeper, chance, (rules.except_features, rules.except_keys)
        ),
    ), keeper
