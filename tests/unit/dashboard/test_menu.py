"""The menu: the pages that whoever came may open, with what they are narrowed to."""

from typing import Any

from starlette.datastructures import QueryParams

from farthing.dashboard.filters import filters_of
from farthing.dashboard.menu import SECTIONS, menu
from farthing.dashboard.page import Page
from farthing.dashboard.view import View
from farthing.gateway.guard import ADMIN, OWN, VIEWER, Need, Pass
from farthing.model.principal import Key

NOW = 1_790_000_000_000_000


async def nothing(view: View) -> dict[str, Any]:
    return {}


PAGES = (
    Page("overview", "/", "Overview", VIEWER, nothing, "Cost"),
    Page("calls", "/calls", "Calls", OWN, nothing, "Cost"),
    Page("call", "/calls/{call_id}", "Call", OWN, nothing),
    Page("keys", "/keys", "Keys", ADMIN, nothing, "Set-up"),
    Page("health", "/health", "Health", Need("viewer", whole=True), nothing, "Levers"),
)


class Sources:
    def now_us(self) -> int:
        return NOW


def view(role: str = "", tenant: str = "default", query: str = "", key: bool = True) -> View:
    made = Key(id="k", name="k", hash=b"", created_us=1, role=role, tenant=tenant) if key else None  # type: ignore[arg-type]
    read = QueryParams(query)
    return View("/", {}, read, filters_of(read, NOW), Pass(made, tenant), Sources())  # type: ignore[arg-type]


def titles(seen: View) -> dict[str, list[str]]:
    return {part.title: [entry.title for entry in part.entries] for part in menu(PAGES, PAGES[0], seen)}


def test_it_has_what_the_role_may_open_and_no_empty_section() -> None:
    assert titles(view()) == {"Cost": ["Calls"]}
    assert titles(view("viewer")) == {"Cost": ["Overview", "Calls"], "Levers": ["Health"]}
    assert titles(view("viewer", "other")) == {"Cost": ["Overview", "Calls"]}
    assert titles(view(key=False)) == {"Cost": ["Overview", "Calls"], "Levers": ["Health"], "Set-up": ["Keys"]}


def test_period_and_scope_go_along() -> None:
    part = menu(PAGES, PAGES[0], view("viewer", query="period=7d&feature=a+b&sort=-cost"))[0]
    assert [(each.href, each.is_here) for each in part.entries] == [
        ("/?period=7d&feature=a+b", True),
        ("/calls?period=7d&feature=a+b", False),
    ]


def test_each_section_of_a_page_is_in_the_menu() -> None:
    assert {page.section for page in PAGES if page.section} <= set(SECTIONS)
