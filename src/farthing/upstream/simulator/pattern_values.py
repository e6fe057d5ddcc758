"""A text that matches a regular expression of the kind that stands in JSON schemas: literals, classes, groups,
alternatives and quantifiers. Look-arounds and back-references are passed over."""

import random
import string

_DIGITS = string.digits
_LETTERS = string.ascii_letters + string.digits + "_"
_ANY = string.ascii_lowercase
_CLASSES = {"d": _DIGITS, "w": _LETTERS, "s": " ", "D": _ANY, "W": "-", "S": _ANY}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
_PRINTABLE = [chr(code) for code in range(32, 127)]


def matching(pattern: str, dice: random.Random) -> str:
    """A text that `pattern` finds; short. A pattern that cannot be read gives "" or a part."""
    return _Reader(pattern, dice).alternatives()


class _Reader:
    def __init__(self, pattern: str, dice: random.Random) -> None:
        self.pattern = pattern
        self.at = 0
        self.dice = dice

    def alternatives(self) -> str:
        """Every alternative is read, one is kept."""
        options = [self.sequence()]
        while self._take("|"):
            options.append(self.sequence())
        return self.dice.choice(options)

    def sequence(self) -> str:
        made = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            start = self.at
            once = self.atom()
            least, most = self.quantifier()
            for turn in range(self.dice.randint(least, most)):
                made.append(once if turn == 0 else self._again(start))
        return "".join(made)

    def _again(self, start: int) -> str:
        """Another try of the same atom, so that `\\d{3}` is not thrice the same digit."""
        after, self.at = self.at, start
        made = self.atom()
        self.at = after
        return made

    def atom(self) -> str:
        char = self._next()
        if char == "(":
            return self.group()
        if char == "[":
            return self.dice.choice(self.char_class())
        if char == ".":
            return self.dice.choice(_ANY)
        if char in "^$":
            return ""
        if char == "\\":
            return "" if self._take("b") or self._take("B") else self.dice.choice(self.escaped())
        return char

    def group(self) -> str:
        if self._take("?"):
            mark = self._next()
            if mark == "P" or (mark == "<" and self._peek() not in "=!"):
                while self._next() not in (">", ""):
                    pass
            elif mark in "=!<":
                self._skip_group()
                return ""
        made = self.alternatives()
        self._take(")")
        return made

    def _skip_group(self) -> None:
        depth = 1
        while depth and self.at < len(self.pattern):
            char = self._next()
            if char == "\\":
                self._next()
            depth += (char == "(") - (char == ")")

    def escaped(self) -> str:
        char = self._next()
        return _CLASSES.get(char) or _CONTROLS.get(char) or char or "\\"

    def char_class(self) -> str:
        negated = self._take("^")
        chosen: list[str] = []
        first = True
        while first or self._peek() not in ("]", ""):
            first = False
            char = self._next()
            options = self.escaped() if char == "\\" else char
            if len(options) == 1 and self._peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self._next()
                last = self._next()
                last = self.escaped() if last == "\\" else last
                options = "".join(chr(code) for code in range(ord(options), min(ord(last[0]), ord(options) + 400) + 1))
            chosen.extend(options)
        self._next()
        if negated:
            chosen = [char for char in _PRINTABLE if char not in chosen]
        return "".join(chosen) or _ANY

    def quantifier(self) -> tuple[int, int]:
        least, most = 1, 1
        if self._take("*"):
            least, most = 0, 3
        elif self._take("+"):
            least, most = 1, 4
        elif self._take("?"):
            least, most = 0, 1
        elif self._peek() == "{":
            counted = self._counted()
            if counted is not None:
                least, most = counted
        else:
            return least, most
        self._take("?")
        return least, most

    def _counted(self) -> tuple[int, int] | None:
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : end].partition(",")
        if end < 0 or not low.isdigit() or (high and not high.isdigit()):
            return None
        self.at = end + 1
        least = min(int(low), 10_000)
        return least, (min(int(high), least + 8) if high else least + 3 if comma else least)

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _next(self) -> str:
        char = self._peek()
        self.at += len(char)
        return char

    def _take(self, char: str) -> bool:
        if self._peek() == char:
            self.at += 1
            return True
        return False
