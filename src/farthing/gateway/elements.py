"""Takes `{"requests": [...]}` apart while it arrives: each element as the bytes that it consists of, one at a time.

What it holds is one element. Whether an element is good JSON is left to whoever reads it; here only strings and brackets
are told apart. Knows nothing of what the elements mean.
"""

import re

from farthing.model.errors import BadRequest, TooLarge

DEPTH = 1000
"""Brackets within brackets of one element."""
_BLANK = re.compile(rb"[ \t\r\n]*+")
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_MARK = re.compile(rb'[{}\[\]"]')
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
"""The rest of a string up to its end, or as far as it is there."""
_KEY_LIMIT = 256


class Elements:
    """See the module. `most` is the largest element, in bytes."""

    def __init__(self, most: int, member: str = "requests") -> None:
        self._most = most
        self._member = member
        self._held = bytearray()
        self._at = 0
        """How far what is held was looked at."""
        self._depth = 0
        """Of an element; 0 between two."""
        self._in_string = False
        self._next = self._open
        """What is looked for outside of elements."""
        self._found: list[bytes] = []
        self._count = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The elements that are whole with this. Raises BadRequest, TooLarge."""
        self._held += data
        self._found = []
        while self._element() if self._depth else self._between():
            pass
        if len(self._held) - self._at > _KEY_LIMIT and not self._depth:
            raise self._no_object()
        return self._found

    def end(self) -> None:
        """The body has ended. Raises BadRequest if it should not have."""
        if self._next != self._nothing:
            raise self._no_object()

    def _between(self) -> bool:
        """One step outside of elements. False: more is needed."""
        held = self._held
        del held[: self._at]
        self._at = 0
        blank = _BLANK.match(held)
        assert blank is not None
        del held[: blank.end()]
        return bool(held) and self._next()

    def _open(self) -> bool:
        self._expect(b"{")
        self._next = self._name
        return True

    def _name(self) -> bool:
        if self._held[:1] != b'"':
            if self._held[:1] == b"}":
                raise BadRequest(f"{self._member}: Field required", param=self._member)
            raise self._no_object()
        found = _KEY.match(self._held)
        if found is None:
            return False
        if found[1] != self._member.encode():
            raise self._extra()
        self._at = found.end()
        self._next = self._colon
        return True

    def _colon(self) -> bool:
        self._expect(b":")
        self._next = self._list
        return True

    def _list(self) -> bool:
        if self._held[:1] != b"[":
            raise BadRequest(f"{self._member}: Input should be a valid list", param=self._member)
        self._at = 1
        self._next = self._first
        return True

    def _first(self) -> bool:
        if self._held[:1] == b"]":
            return self._separator()
        return self._begin()

    def _begin(self) -> bool:
        if self._held[:1] != b"{":
            raise BadRequest(f"{self._member}.{self._count}: Input should be a valid dictionary", param=self._member)
        self._depth, self._at = 1, 1
        return True

    def _separator(self) -> bool:
        mark = bytes(self._held[:1])
        if mark not in (b",", b"]"):
            raise self._no_object()
        self._at = 1
        self._next = self._begin if mark == b"," else self._close
        return True

    def _close(self) -> bool:
        if self._held[:1] == b",":
            raise self._extra()
        self._expect(b"}")
        self._next = self._nothing
        return True

    def _nothing(self) -> bool:
        raise self._no_object()

    def _element(self) -> bool:
        """Look further into an element. True if it is whole now; False: more is needed."""
        held, end = self._held, len(self._held)
        while self._at < end:
            if self._in_string:
                rest = _STRING.match(held, self._at)
                assert rest is not None
                self._at = rest.end()
                if held[self._at : self._at + 1] != b'"':
                    break  # it ends later; a last backslash waits for what it escapes
                self._at += 1
                self._in_string = False
            mark = _MARK.search(held, self._at)
            if mark is None:
                self._at = end
                break
            self._at = mark.end()
            if self._taken(mark[0]):
                return True
        if end > self._most:
            raise TooLarge(f"{self._member}.{self._count} is larger than {self._most // 2**20} MiB.")
        return False

    def _taken(self, mark: bytes) -> bool:
        """A bracket or a quote of an element; whether the element ends with it."""
        if mark == b'"':
            self._in_string = True
        elif mark in b"{[":
            self._depth += 1
            if self._depth > DEPTH:
                raise BadRequest(f"{self._member}.{self._count} is nested too deep.", param=self._member)
        else:
            self._depth -= 1
            if not self._depth:
                if self._at > self._most:
                    raise TooLarge(f"{self._member}.{self._count} is larger than {self._most // 2**20} MiB.")
                self._found.append(bytes(self._held[: self._at]))
                self._count += 1
                self._next = self._separator
                return True
        return False

    def _expect(self, mark: bytes) -> None:
        if self._held[:1] != mark:
            raise self._no_object()
        self._at = 1

    def _no_object(self) -> BadRequest:
        return BadRequest(f'The body must be one JSON object: {{"{self._member}": [...]}}.')

    def _extra(self) -> BadRequest:
        return BadRequest(f"Only `{self._member}` is known here. Extra inputs are not permitted.")
