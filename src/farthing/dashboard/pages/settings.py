"""The settings that this gateway runs with, and where they come from. Read-only: they are changed in their file."""

from farthing.dashboard.known_settings import Line, lines
from farthing.dashboard.page import Page, Values
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.guard import Need

COLUMNS = (
    Column("setting", "Setting"),
    Column("value", "Value", "prose"),
    Column("default", "Default", "prose"),
    Column("what", "What it does", "prose"),
)


async def read(view: View) -> Values:
    every = list(lines(view.sources.settings))
    changed = [line for line in every if line.is_changed]
    all_shown = view.query.get("show") == "all"
    return {
        "settings": _table(every if all_shown else changed), "file": view.sources.settings_file, "all_shown": all_shown,
        "changed": len(changed), "every": len(every), "warnings": view.sources.settings.warnings(),
    }  # fmt: skip


def _table(found: list[Line]) -> Table:
    rows = [
        Row((each.name, each.value, each.default, each.what), mark="" if each.is_changed else "quiet") for each in found
    ]
    return Table("settings", "Settings", COLUMNS, rows, empty="Every setting is what it is by default.")


PAGE = Page("settings", "/settings", "Settings", Need("admin", whole=True), read, section="Set-up", filters=())
