"""What MkDocs asks while it builds the site. A link that leaves docs/ leads to a file of the repository, which the site does not
have: it becomes the file's path in words. In the repository itself the links stay links."""

import re
from typing import Any

LEAVING = re.compile(
    r"\[(?P<words>[^\]]+)\]\((?P<up>(?:\.\./)+)(?P<path>(?!howto/|reference/|explanation/|images/)[^)#]*)[^)]*\)"
)


def on_page_markdown(markdown: str, page: Any, **more: Any) -> str:
    depth = page.file.src_uri.count("/")

    def worded(found: re.Match[str]) -> str:
        if found["up"].count("../") <= depth:
            return found[0]
        words, path = found["words"], found["path"].rstrip("/") or "the repository"
        return words if path in words else f"{words} (`{path}`)"

    return LEAVING.sub(worded, markdown)
