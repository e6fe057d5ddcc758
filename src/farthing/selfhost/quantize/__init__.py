"""Fewer bits for a model's weights: what suits, what it will weigh, doing it, and what it lost, measured before and after."""
