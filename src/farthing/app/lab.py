"""The prompt lab's part of the composition root: settings -> who puts prompts to a model, by the providers and into the ledger
that a gateway with these settings has. Nothing is decided here."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from farthing.app.eval import build_errands
from farthing.lab.asking import AT_ONCE, FEATURE, Asking, at_once
from farthing.lab.items import Item
from farthing.lab.prompt import Prompt
from farthing.lab.runs import Answers
from farthing.lab.waiting import Rounds, Terms
from farthing.model.arms import PROMPT_OPTIMISATION
from farthing.model.money import Nano
from farthing.prices import PriceBook
from farthing.quality.compare import Comparer
from farthing.quality.pairwise import PairJudge
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.sealing import wrapping

ALL = 1_000_000
"""Calls that may be asked for together, where they wait in a queue."""


async def build_asking(
    settings: Settings, book: PriceBook, store: Store, prompt: Prompt, items: Sequence[Item], model: str, answers: Answers,
    tenant: str, bound: Nano | None, heard: Callable[[bool], None], stack: AsyncExitStack, *, deadline_s: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Asking:  # fmt: skip
    """With `deadline_s` calls are put to the queue of a gateway with these settings, and `told` hears how that goes. Raises
    StoreError."""
    errands = await build_errands(settings, book, store, PROMPT_OPTIMISATION, lambda: None, stack)
    comparer = Comparer(PairJudge(errands, settings.routing.judge))
    if deadline_s is None:
        send, most = at_once(errands, tenant), AT_ONCE
    else:
        terms = Terms(deadline_s, FEATURE, tenant, f"lab {prompt.name}"[:100], settings.batch.keep_s)

        def left() -> Nano | None:
            return None if bound is None else bound - answers.spent

        rounds = Rounds(store, wrapping(settings.batch.encryption_key.reveal()), terms, answers, left, told)
        await rounds.recover()
        send, most = (await stack.enter_async_context(rounds)).send, ALL
    return Asking(prompt, items, model, send, comparer, answers, tenant, bound, heard, most)
