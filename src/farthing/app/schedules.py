"""Settings -> recurring jobs, and who keeps them. Nothing is decided here."""

from contextlib import AsyncExitStack
from pathlib import Path

from farthing.app.around import REAL, Around
from farthing.app.batch import Queue
from farthing.batch.schedules.declared import check_calendar, schedules_of
from farthing.batch.schedules.keeping import Keeper
from farthing.batch.schedules.starting import Starter
from farthing.batch.schedules.writing import ResultWriter
from farthing.settings import Settings


def start_schedules(settings: Settings, queue: Queue, stack: AsyncExitStack, around: Around = REAL) -> None:
    """Keep the schedules of the settings, unless these leave the queue to others, or a replay drives the gateway. Raises
    SettingsError."""
    check_calendar(settings)
    folder = Path(around.settings_file).parent if around.settings_file else Path.cwd()
    known = schedules_of(settings, folder)
    rules = settings.batch
    if not known or not rules.worker or around.driven:
        return
    starter = Starter(queue.desk, rules.max_requests, rules.keep_s)
    writer = ResultWriter(queue.desk, [each.name for each in known if each.output], drops=rules.drop == "delivery")
    keeper = Keeper(queue.desk, known, starter, writer, queue.wake)
    stack.push_async_callback(keeper.close)
    keeper.start()
