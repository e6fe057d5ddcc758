"""Which model serves a call that leaves the choice to Farthing."""
