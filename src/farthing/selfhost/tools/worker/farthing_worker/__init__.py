"""Runs in a back-end's own environment, where there is no Farthing: the standard library and that back-end alone."""
