"""The documentation is a site: every page is in its menu, every link and anchor leads somewhere, and it loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "srcset",
    "link": "href",
    "video": "src",
    "object": "data",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly: a page outside of the menu, a dead link or a dead anchor ends it."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loaded(HTMLParser):
    """What a browser would load for a page without being asked. A link that one may follow is none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.classes.update(values.get("class", "").split())
        if tag in LOADS and not (tag == "link" and values.get("rel") in ("canonical", "prev", "next")):
            self.found.append(values.get(LOADS[tag], ""))


def test_every_page_of_the_docs_is_a_page_of_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = Loaded()
        page.feed(path.read_text(encoding="utf-8"))
        assert page.found
        assert [each for each in page.found if re.match(r"(https?:)?//", each)] == [], path
        assert "mermaid" not in page.classes, "the theme would load what draws it from elsewhere"
        missing = [each for each in page.found if each and not (path.parent / each.split("?")[0]).resolve().exists()]
        assert path.name == "404.html" or missing == [], path


def test_styles_load_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", path.read_text(encoding="utf-8")), path


def test_a_link_to_a_file_of_the_repository_is_its_path_in_words(site: Path) -> None:
    text = (site / "explanation" / "measured.html").read_text(encoding="utf-8")
    assert "bench/README.md" in text
    assert 'href="../../bench' not in text
