"""What pages keep between two openings, so that the second one is quick: values that hold as long as what they were made from
looks the same."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

MOST = 64


class _Kept(NamedTuple):
    stamp: object
    value: Any


class Memory:
    """One for a gateway process. The last used are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, stamp: object) -> Any:
        """What was kept under `key` when its stamp was the same; else None."""
        found = self._kept.get(key)
        if found is None or found.stamp != stamp:
            return None
        self._kept.move_to_end(key)
        return found.value

    def keep(self, key: Hashable, stamp: object, value: Any) -> None:
        self._kept[key] = _Kept(stamp, value)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
