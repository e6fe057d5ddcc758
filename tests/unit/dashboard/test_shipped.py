"""Files that come with the pages: found by name only, and kept by browsers until they change."""

import re
from pathlib import Path

import pytest

from farthing.dashboard import shipped
from unit.dashboard.visitors import a_place


def test_an_address_changes_with_the_content() -> None:
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{10}", shipped.address("app.css"))
    with pytest.raises(KeyError):
        shipped.address("nothing.css")


async def test_files_are_served_and_nothing_else(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        visitor = place.visitor(peer="203.0.113.9")  # nobody must be let in for them
        answer = await visitor.web.get(shipped.address("app.css"))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/css")
        assert answer.headers["cache-control"] == shipped.FOREVER
        assert answer.headers["x-content-type-options"] == "nosniff"
        of_another_version = await visitor.web.get("/static/app.css?v=0123456789")
        assert of_another_version.headers["cache-control"] == shipped.AWHILE
        for name in ("nothing.css", "..%2Fsite.py", "%2e%2e/site.py", "../site.py", "app.css%00", "static", ""):
            assert (await visitor.web.get(f"/static/{name}")).status_code == 404, name


def test_the_style_sheet_and_the_script_ask_nobody_else_for_anything() -> None:
    for name in ("app.css", "app.js"):
        text = shipped._all()[name].decode()
        assert not re.search(r"https?://|//[a-z0-9]+\.|@import|url\(", text), name
