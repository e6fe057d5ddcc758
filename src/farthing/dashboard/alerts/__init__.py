"""The parts of the page on alerts."""
