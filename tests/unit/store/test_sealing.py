"""What is wrapped comes back whole, in its own place, with its own key, or not at all."""

import base64
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.store import StoreError
from farthing.store.sealing import Unreadable, Wrapping, wrapping

KEY = bytes(range(32))
OPEN, SEALED = wrapping(), wrapping(KEY.hex())
both = pytest.mark.parametrize("wraps", [OPEN, SEALED], ids=["open", "sealed"])


@both
@given(plain=st.binary(max_size=2000) | st.integers(0, 5000).map(lambda size: b"the same again " * size))
def test_what_is_wrapped_comes_back(wraps: Wrapping, plain: bytes) -> None:
    wrapped = wraps.wrap(plain, "acme", "e1", "answer")
    assert wraps.unwrap(wrapped, "acme", "e1", "answer") == plain
    assert len(wrapped) <= len(plain) + 40


@both
@given(plain=st.binary(max_size=600), data=st.data())
def test_a_changed_or_cut_value_is_unreadable(wraps: Wrapping, plain: bytes, data: st.DataObject) -> None:
    wrapped = wraps.wrap(plain, "acme")
    at = data.draw(st.integers(0, len(wrapped) - 1))
    changed = wrapped[:at] + bytes([wrapped[at] ^ (1 << data.draw(st.integers(0, 7)))]) + wrapped[at + 1 :]
    for damaged in (changed, wrapped[:at]):
        with pytest.raises(Unreadable):
            wraps.unwrap(damaged, "acme")


@both
@pytest.mark.parametrize(
    "other", [("globex", "e1", "answer"), ("acme", "e2", "answer"), ("acmee", "1", "answer"), ("acme", "e1answer")]
)
def test_a_value_moved_elsewhere_is_unreadable(wraps: Wrapping, other: tuple[str, ...]) -> None:
    with pytest.raises(Unreadable):
        wraps.unwrap(wraps.wrap(b"a" * 500, "acme", "e1", "answer"), *other)


def test_sealed_values_show_nothing_and_differ_each_time() -> None:
    secret = b"the customer's name is Ana"
    first, second = SEALED.wrap(secret, "acme"), SEALED.wrap(secret, "acme")
    assert first != second
    assert b"Ana" not in first
    with pytest.raises(Unreadable):
        wrapping("ff" * 32).unwrap(first, "acme")
    with pytest.raises(Unreadable):
        OPEN.unwrap(first, "acme")


def test_a_key_can_be_written_in_several_ways() -> None:
    text = base64.b64encode(KEY).decode()
    ways = [KEY.hex(), KEY.hex().upper(), text, text.rstrip("="), base64.urlsafe_b64encode(KEY).decode(), text + "\n"]
    wrapped = SEALED.wrap(b"secret")
    assert all(wrapping(way).unwrap(wrapped) == b"secret" for way in ways)
    assert {wrapping(way).mark for way in ways} == {SEALED.mark} != {OPEN.mark}


@pytest.mark.parametrize("key", ["secret", "11" * 31, "11" * 33, "=", "ä" * 32, base64.b64encode(b"x" * 16).decode()])
def test_what_is_no_key_is_explained_without_showing_it(key: str) -> None:
    with pytest.raises(StoreError, match="openssl rand -base64 32") as caught:
        wrapping(key)
    assert key not in caught.value.message or key == "="


def test_without_the_package_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from farthing.store.entries import wrapping\n"
        "from farthing.store import StoreError\n"
        "wrapping('')\n"
        "try: wrapping('11' * 32)\n"
        "except StoreError as error: print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=True)
    assert "pip install 'farthing[seal]'" in done.stdout
