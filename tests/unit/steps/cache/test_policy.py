import pytest

from farthing.model.principal import Key, Principal
from farthing.steps.cache.policy import directives, sharing


def key(**tags: str) -> Key:
    return Key(id="key-1", name="web", hash=b"", tags=tags)


SAYS = Principal(key_id="key-1", team="board", user="ceo")
"""A caller that names a team and a user in its headers."""


@pytest.mark.parametrize(
    ("known", "share", "who"),
    [
        (key(team="web"), "team", "team web"),
        (key(), "team", "key key-1"),
        (key(user="ana"), "user", "user ana"),
        (key(), "user", "key key-1 user ceo"),
        (key(), "tenant", "tenant"),
        (None, "team", "team board"),
        (None, "user", "user ceo"),
    ],
)
def test_what_a_caller_says_of_itself_opens_no_answers_of_others(known: Key | None, share: str, who: str) -> None:
    assert sharing(SAYS, known, share) == who


def test_without_any_name_a_key_is_alone() -> None:
    nobody = Principal(key_id="key-1")
    assert sharing(nobody, key(), "user") == sharing(nobody, key(), "team") == "key key-1"


def test_our_header_is_read_before_the_common_one() -> None:
    headers = {b"x-farthing-cache": b"max-age=5, no-store", b"cache-control": b"max-age=9, only-if-cached"}
    assert directives(headers) == {"max-age": "5", "no-store": "", "only-if-cached": ""}
