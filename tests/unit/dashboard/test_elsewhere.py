"""Addresses that nothing answers: a page for browsers, the usual error for programs."""

from pathlib import Path

from unit.dashboard.visitors import a_place

PAGE = {"accept": "text/html,application/xhtml+xml"}


async def test_a_browser_is_told_on_a_page(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        web = place.visitor().web
        answer = await web.get("/nix/%3Cscript%3E", headers=PAGE)
        assert answer.status_code == 404
        assert "There is no page at /nix/&lt;script&gt;" in answer.text
        assert 'href="/spend"' in answer.text  # the menu
        assert answer.headers["x-frame-options"] == "DENY"
        long = await web.get("/" + "x" * 5_000, headers=PAGE)
        assert long.status_code == 404 and len(long.text) < 5_000


async def test_somebody_who_may_not_come_in_is_told_without_the_menu(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        await place.add_key("ada", role="admin")
        answer = await place.visitor(peer="203.0.113.9").web.get("/nix", headers=PAGE)
        assert answer.status_code == 404
        assert 'href="/spend"' not in answer.text


async def test_programs_get_the_usual_error(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        web = place.visitor().web
        for path, headers in (("/nix", {}), ("/nix", {"accept": "application/json"}), ("/v1/nix", PAGE)):
            answer = await web.get(path, headers=headers)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"
        assert (await web.post("/nix", headers=PAGE)).json()["error"]["code"] == "not_found"
        assert (await web.post("/spend", headers=PAGE)).status_code == 405
