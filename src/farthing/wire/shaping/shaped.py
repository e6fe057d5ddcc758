"""What a transform makes of a text: the new one, and the tokens that fall.

Transforms run on the hot path, where no tokenizer is cheap enough, so each tells the tokens by a rule that was fitted to a
real one (o200k) on prose, records, logs and numbers, at the low end of what was seen. `bench/prompts.py` compares.
"""

from typing import NamedTuple


class Shaped(NamedTuple):
    """A text that says the same."""

    text: str
    tokens: int
    """Estimated; a transform that would save none gives nothing."""
