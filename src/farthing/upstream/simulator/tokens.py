"""Real token counts, by the o200k vocabulary (the extra `tokens`).

Knows nothing of messages or providers. Anthropic's own vocabulary is not public; its counts are o200k's scaled up.
"""

from array import array
from functools import lru_cache
from typing import Any, TypeAlias

from farthing.model.errors import Unavailable

try:
    from rs_bpe.bpe import openai as _vocabularies
except ImportError:  # the extra is not installed: everything else of the package works without it
    _vocabularies = None

Ids: TypeAlias = "array[int]"


_LONGEST_REMEMBERED = 64 * 1024
"""Characters. Longer texts are seldom sent twice and would fill the memory."""
_SENTENCE, _PAGE = 200, 4_000
"""Characters. So short are the many sentences of answers, which must not crowd out what prompts send again and again; and the
records and documents that are put into prompts, of which a company has thousands."""


def require() -> None:
    """Raises Unavailable, with the cure, where the extra is missing."""
    if _vocabularies is None:
        raise Unavailable(
            "The simulator counts real tokens and needs the extra `tokens`: pip install 'farthing[tokens]'"
        )


def ids(text: str) -> Ids:
    """The tokens of a text. The caller must not change the array."""
    if len(text) > _LONGEST_REMEMBERED:
        return _encode(text)
    if len(text) > _PAGE:
        return _remembered(text)
    return _page(text) if len(text) > _SENTENCE else _sentence(text)


def count(text: str) -> int:
    return len(ids(text))


def claude_count(text: str) -> int:
    """Tokens as Anthropic would count them."""
    return claude_tokens(count(text))


def claude_tokens(o200k: int) -> int:
    return -(-o200k * 23 // 20)


def cut(text: str, limit: int) -> str:
    """The first `limit` tokens of a text; fewer where the cut would fall inside a character."""
    known = ids(text)
    if len(known) <= limit:
        return text
    while limit > 0:
        head = _vocabulary().decode(known[:limit].tolist())
        if head is not None and text.startswith(head):
            return str(head)
        limit -= 1
    return ""


@lru_cache(maxsize=1)
def _vocabulary() -> Any:
    require()
    return _vocabularies.o200k_base()


@lru_cache(maxsize=1024)
def _remembered(text: str) -> Ids:
    return _encode(text)


@lru_cache(maxsize=8192)
def _page(text: str) -> Ids:
    return _encode(text)


@lru_cache(maxsize=4096)
def _sentence(text: str) -> Ids:
    return _encode(text)


def _encode(text: str) -> Ids:
    try:
        return array("I", _vocabulary().encode(text))
    except UnicodeEncodeError:  # half a surrogate pair is valid JSON, but no text
        return array("I", _vocabulary().encode(text.encode("utf-8", "replace").decode()))
