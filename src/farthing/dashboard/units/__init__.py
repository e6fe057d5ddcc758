"""The parts of the pages on unit economics."""
