"""Controls on trial: settings -> who holds the evidence. Nothing is decided here."""

from contextlib import AsyncExitStack
from typing import Any

import msgspec

from farthing.app.around import REAL, Around
from farthing.model.call import Call
from farthing.quality.checks import named
from farthing.quality.trials import Kinds, Margins, Trials
from farthing.settings import FilePath, RoutingSettings, Settings, SettingsError
from farthing.settings.errors import Problem
from farthing.store import Store
from farthing.store.controls import Controls

LEAST_MARGIN = 0.001


async def build_trials(
    settings: Settings, store: Store, stack: AsyncExitStack, around: Around = REAL
) -> Trials | None:  # fmt: skip
    """None where nothing is on trial. Raises SettingsError."""
    prompts = settings.prompts
    if not prompts.trial and not any(each.trial for each in prompts.features.values()):
        return None
    trials = Trials(
        Controls(store), prompts.trial_percent / 100, _kinds(settings), margins(settings.routing), around.clock.now_us,
        {name: read_schema(each.schema, name) for name, each in prompts.features.items() if each.schema},
    )  # fmt: skip
    await trials.start(keeps=not around.driven)
    stack.push_async_callback(trials.close)
    return trials


def read_schema(path: FilePath, feature: str) -> dict[str, Any]:
    """The JSON schema in a file. Raises SettingsError."""
    where = f"prompts.features.{feature}.schema"
    try:
        with open(path, "rb") as file:
            found = msgspec.json.decode(file.read())
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(
            "", [Problem(0, where, f"the schema cannot be read: {error}", "Write a JSON schema.")]
        ) from None
    if not isinstance(found, dict):
        raise SettingsError("", [Problem(0, where, "a JSON schema is an object", "Write a JSON schema.")])
    return found


def margins(routing: RoutingSettings) -> Margins:
    """How much larger the share of bad answers may be, by the kind of calls: what the quality floor leaves."""

    def margin(scope: str) -> float:
        kind, _, name = scope.partition(":")
        own = None
        if kind == "feature" and name in routing.features:
            own = routing.features[name].quality_floor
            task = routing.features[name].task
            if own is None and task in routing.tasks:
                own = routing.tasks[task].quality_floor
        elif kind == "task" and name in routing.tasks:
            own = routing.tasks[name].quality_floor
        return max(LEAST_MARGIN, 1 - (own if own is not None else routing.quality_floor))

    return margin


def _kinds(settings: Settings) -> Kinds:
    own = {name: each.check for name, each in settings.prompts.features.items() if each.check}
    for name, kind in own.items():
        try:
            named(kind)
        except ValueError as error:
            raise SettingsError(
                "", [Problem(0, f"prompts.features.{name}.check", f"{kind!r} is no check", f"{error}")]
            ) from None
    tasks = settings.routing.tasks

    def kind_of(call: Call) -> str:
        kind = own.get(call.principal.feature)
        if kind is not None:
            return kind
        task = tasks.get(call.task)
        return task.check if task is not None else "auto"

    return kind_of
