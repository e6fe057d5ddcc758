"""How often Python looks for garbage in circles. Knows nothing of what is made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seldom(objects: int) -> Iterator[None]:
    """Only where so many objects were made since the last look: for work that makes many and hardly any in circles, where
    each look costs as much as they."""
    often = gc.get_threshold()
    gc.set_threshold(objects, *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)
