"""The shape step: the same answers from fewer and cheaper tokens. One strategy, one file."""
