"""Addresses of others that may be posted to: those that settings list as patterns, and of them only what leads to the open
internet, unless its host is named in full.

`*` stands for any part of a host's name or of a path, never for a scheme or a port. Plain http is for patterns that say so.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

LONGEST = 2048


class Targets:
    """See the module."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [parts for pattern in patterns if (parts := _parts(pattern)) is not None]
        self._named = {parts.hostname for parts in self._patterns if "*" not in (parts.hostname or "*")}

    def allows(self, url: str) -> bool:
        """Whether an address fits a pattern."""
        where = _parts(url)
        if where is None or "*" in (where.hostname or "") or "\\" in url or ".." in where.path:
            return False
        return any(_fits(where, pattern) for pattern in self._patterns)

    def may_reach(self, host: str, address: str) -> bool:
        """Whether a host may lead there: anywhere if it is named in full, else to the open internet alone."""
        if host in self._named:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return (mapped or found).is_global and not (mapped or found).is_multicast


def _parts(url: str) -> SplitResult | None:
    """The parts of an address without a user; None for what is none."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return None
    return parts


def _fits(where: SplitResult, pattern: SplitResult) -> bool:
    return (
        where.scheme == pattern.scheme
        and where.port == pattern.port
        and fnmatchcase(where.hostname or "", pattern.hostname or "")
        and fnmatchcase(where.path or "/", pattern.path or "/")
        and (not pattern.query or fnmatchcase(where.query, pattern.query))
    )
