"""What settings are made of: secrets, amounts, addresses, files. Knows nothing of which settings there are."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


class Secret:
    """A value that no log, error or repr shows; `reveal` gives it, where it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    __str__ = __repr__


class StoreUrl(Secret):
    """Where a store is; it may hold a password."""

    __slots__ = ()


class Amount(str):
    """Dollars or percent, exactly as typed, whether as a number or in quotes."""

    __slots__ = ()


class Url(str):
    """An http or https address, without a slash at the end."""

    __slots__ = ()


class FilePath(str):
    """A file that exists; relative to the settings file."""

    __slots__ = ()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def shown_url(url: str) -> str:
    """`url` without its password, for people."""
    return re.sub(r"(?<=://)([^/@]*?)(:[^/@]*)?@", lambda found: f"{found[1]}{':***' if found[2] else ''}@", url)


def split_url(url: str) -> SplitResult | None:
    """The parts of an address, None if it is none."""
    try:
        where = urlsplit(url)
        _ = where.port
    except ValueError:
        return None
    return where


def is_open_http(url: str) -> bool:
    """Whether what is sent there travels unencrypted between machines."""
    where = split_url(url)
    return where is not None and where.scheme == "http" and not is_loopback(where.hostname or "")
