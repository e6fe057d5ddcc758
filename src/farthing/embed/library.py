"""The optional libraries of the extra `cache`, read when first needed: they are large, and may be absent."""

import importlib
from typing import Any

from farthing.embed import EncoderError


def library(name: str) -> Any:
    """A module of the extra, or one of ours that imports it. Raises EncoderError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise EncoderError(
            f"text vectors need libraries that are not installed ({missing}): pip install 'farthing[cache]'"
        ) from None
