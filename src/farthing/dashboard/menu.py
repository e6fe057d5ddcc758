"""The menu: sections of pages, those that whoever came may open; period, scope and tenant go along from page to page."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.page import Page
from farthing.dashboard.view import View
from farthing.model.principal import OPERATOR

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
        Part(section, [_entry(page, here, view) for page in pages if page.section == section and _is_open(page, view)])
        for section in SECTIONS
    ]
    return [part for part in parts if part.entries]


def _entry(page: Page, here: Page, view: View) -> Entry:
    return Entry(page.title, view.href(page.path), page is here)


def _is_open(page: Page, view: View) -> bool:
    """What the guard would let through."""
    need, entered = page.need, view.entered
    whole = not need.whole or (entered.key is None or entered.key.tenant == OPERATOR)
    return entered.may(need.role) and whole and (not need.everywhere or entered.everywhere)
