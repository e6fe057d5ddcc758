"""The menu: sections of pages, those that whoever came may open; period, scope and tenant go along from page to page."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.page import Page
from farthing.dashboard.view import View

SECTIONS = ("Cost", "Control", "Levers", "Set-up")


class Entry(NamedTuple):
    title: str
    href: str
    is_here: bool


class Part(NamedTuple):
    title: str
    entries: list[Entry]


def menu(pages: Sequence[Page], here: Page, view: View) -> list[Part]:
    parts = [
        Part(section, [_entry(page, here, view) for page in pages if page.section == section and view.meets(page.need)])
        for section in SECTIONS
    ]
    return [part for part in parts if part.entries]


def _entry(page: Page, here: Page, view: View) -> Entry:
    return Entry(page.title, view.href(page.path), page is here)
