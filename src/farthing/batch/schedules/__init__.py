"""Recurring jobs: when they are due, how they are started by one gateway alone, and where their results are written."""
