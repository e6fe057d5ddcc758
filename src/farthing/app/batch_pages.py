"""The batch APIs that the gateway serves, made from settings. Nothing is decided here."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from starlette.routing import Route

from farthing.batch.desk import Desk
from farthing.gateway import batches, files, message_batches
from farthing.gateway.finals import Finals
from farthing.gateway.guard import Guard
from farthing.gateway.uploads import Room
from farthing.settings import Settings


def batch_pages(
    settings: Settings, guard: Guard, desk: Desk, wake: Callable[[], None], stack: AsyncExitStack
) -> list[Route]:
    """Files, batches and message batches. `wake` has the worker look for what is new."""
    finals = Finals(desk.store, desk.wrapping, desk.clock)
    stack.push_async_callback(finals.close)
    room = Room()
    return [
        *files.routes(desk.store, guard, settings.batch, desk.wrapping, room, desk.clock),
        *batches.routes(desk.store, guard, settings.batch, finals, wake, desk.clock),
        *message_batches.routes(desk.store, guard, settings, desk.wrapping, room, wake, desk.clock),
    ]
