"""The prompt lab's part of the composition root: settings -> who puts prompts to a model, by the providers and into the ledger
that a gateway with these settings has. Nothing is decided here."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from farthing.app.eval import build_errands
from farthing.lab.asking import Asking
from farthing.lab.items import Item
from farthing.lab.prompt import Prompt
from farthing.lab.runs import Answers
from farthing.model.arms import PROMPT_OPTIMISATION
from farthing.model.money import Nano
from farthing.prices import PriceBook
from farthing.quality.compare import Comparer
from farthing.quality.pairwise import PairJudge
from farthing.settings import Settings
from farthing.store import Store


async def build_asking(
    settings: Settings, book: PriceBook, store: Store, prompt: Prompt, items: Sequence[Item], model: str, answers: Answers,
    tenant: str, bound: Nano | None, heard: Callable[[bool], None], stack: AsyncExitStack,
) -> Asking:  # fmt: skip
    """Raises StoreError."""
    errands = await build_errands(settings, book, store, PROMPT_OPTIMISATION, lambda: None, stack)
    comparer = Comparer(PairJudge(errands, settings.routing.judge))
    return Asking(prompt, items, model, errands, comparer, answers, tenant, bound, heard)
