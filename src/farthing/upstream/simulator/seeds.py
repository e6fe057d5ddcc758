"""Numbers that follow from what they are for: the same parts give the same number, on every machine."""

import random
from hashlib import blake2b

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def number(*parts: object) -> int:
    """64 bits that depend on each part."""
    texts = [part if isinstance(part, bytes) else str(part).encode("utf-8", "replace") for part in parts]
    whole = b"".join([piece for text in texts for piece in (len(text).to_bytes(8, "big"), text)])
    return int.from_bytes(blake2b(whole, digest_size=8).digest(), "big")


def unit(*parts: object) -> float:
    """From 0 up to, not including, 1."""
    return (number(*parts) >> 11) / (1 << 53)


def dice(*parts: object) -> random.Random:
    """A generator of its own for one purpose."""
    return random.Random(number(*parts))


def name(length: int, *parts: object) -> str:
    """Letters and digits, as the random end of an id."""
    roll = dice(*parts)
    return "".join(roll.choices(_ALPHABET, k=length))
