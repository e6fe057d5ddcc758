"""The batch APIs that the gateway serves, made from settings. Nothing is decided here."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from starlette.routing import Route

from farthing.app.routing import Models
from farthing.batch.desk import Desk
from farthing.batch.prompts.costing import Coster
from farthing.gateway import batches, files, job_files, message_batches
from farthing.gateway.finals import Finals
from farthing.gateway.guard import Guard
from farthing.gateway.uploads import Room
from farthing.prices import PriceBook
from farthing.settings import Settings


def batch_pages(
    settings: Settings, guard: Guard, desk: Desk, wake: Callable[[], None], models: Models, book: PriceBook, stack: AsyncExitStack
) -> list[Route]:  # fmt: skip
    """Files, batches, message batches, and files as jobs. `wake` has the worker look for what is new."""
    finals = Finals(desk.store, desk.wrapping, desk.clock)
    stack.push_async_callback(finals.close)
    room = Room()
    coster = coster_of(models, book)
    return [
        *files.routes(desk.store, guard, settings.batch, desk.wrapping, room, desk.clock),
        *batches.routes(desk.store, guard, settings.batch, finals, wake, desk.clock),
        *message_batches.routes(desk.store, guard, settings, desk.wrapping, room, wake, desk.clock),
        *job_files.routes(desk.store, guard, settings.batch, desk.wrapping, coster, wake, desk.clock),
    ]


def coster_of(models: Models, book: PriceBook) -> Coster:
    """What says what files of requests will cost."""
    return Coster(models.catalog, models.costs, models.expect, book, partial(models.ratios.ratio, by="bytes"))
