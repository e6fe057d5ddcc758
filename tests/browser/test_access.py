"""Signing in, roles and the set-up pages as a person meets them, on a gateway that has keys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from browser.conftest import PROVIDERS, Visitor
from integration.gateways import Gateway, eventually, gateway, settings_text

MENUS = {
    "own": {"/keys": False, "/settings": False, "/audit": False},
    "viewer": {"/keys": False, "/settings": False, "/audit": False},
    "editor": {"/keys": False, "/settings": False, "/audit": False},
    "admin": {"/keys": True, "/settings": True, "/audit": True},
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """A gateway with a key of each role, and their secrets."""
    secrets: dict[str, str] = {}

    def filled(made: Gateway) -> None:
        for role in MENUS:
            secrets[role] = made.farthing_json("keys", "create", f"{role} key", "--role", role)["secret"]

    with gateway(tmp_path_factory.mktemp("keyed"), settings_text(providers=PROVIDERS), before=filled) as made:
        yield made, secrets


def sign_in(visitor: Visitor, secret: str, path: str = "/calls") -> Page:
    page = visitor.open(path)
    page.get_by_label("Farthing key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")
    return page


def test_the_ways_in_and_the_set_up_pages_are_sound(
    chromium: Browser, keyed: tuple[Gateway, dict[str, str]], theme: str, width: int
) -> None:
    made, secrets = keyed
    visitor = Visitor(chromium, made.url, theme, width)
    visitor.open("/sign-in")
    visitor.check()
    sign_in(visitor, secrets["admin"], "/keys")
    visitor.check()
    visitor.page.get_by_text("Revoke", exact=True).first.click()
    visitor.check()
    for path in ("/settings?show=all", "/audit"):
        visitor.open(path)
        visitor.check()
    visitor.leave()


@pytest.mark.parametrize("role", MENUS)
def test_each_role_has_its_menu_and_is_told_where_it_may_not_go(
    chromium: Browser, keyed: tuple[Gateway, dict[str, str]], role: str
) -> None:
    made, secrets = keyed
    visitor = Visitor(chromium, made.url)
    page = sign_in(visitor, secrets[role])
    for path, is_open in MENUS[role].items():
        assert page.locator(f'nav a[href="{path}"]').count() == int(is_open), path
    for path, is_open in MENUS[role].items():
        page = visitor.open(path, 200 if is_open else 403)
        assert is_open or page.get_by_text("This page is for the role admin").is_visible()
    visitor.check()
    visitor.leave()


def test_a_key_is_made_and_revoked_and_its_session_ends(
    chromium: Browser, keyed: tuple[Gateway, dict[str, str]]
) -> None:
    made, secrets = keyed
    chief, guest = Visitor(chromium, made.url), Visitor(chromium, made.url)
    page = sign_in(chief, secrets["admin"], "/keys")
    page.get_by_label("Name").fill("<b>guest</b> of ours")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("code.copy").inner_text()
    chief.check()
    sign_in(guest, secret)

    page = chief.open("/keys")
    row = page.get_by_role("row", name="guest")
    row.get_by_text("Revoke", exact=True).first.click()
    row.get_by_role("button", name="Revoke").click()
    assert "is revoked" in page.get_by_role("status").inner_text()
    chief.check()

    def is_out() -> bool:
        return "/sign-in" in guest.open("/calls").url

    eventually(is_out, "the session of a revoked key ends")
    guest.forgive("401")  # of what an open page asked for after it
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert "/sign-in" in chief.open("/keys").url
    chief.forgive("401")
    chief.leave()
    guest.leave()


def test_the_link_of_the_command_signs_in_once(chromium: Browser, keyed: tuple[Gateway, dict[str, str]]) -> None:
    made, _ = keyed
    link = made.farthing_json("dashboard", "link", "--url", made.url)["url"].removeprefix(made.url)
    first, second = Visitor(chromium, made.url), Visitor(chromium, made.url)
    first.open(link)
    assert first.open("/keys").get_by_text("admin key").first.is_visible()
    second.open(link, 401)
    first.leave()
    second.leave()
