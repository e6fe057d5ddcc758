"""The defer step: calls that can wait are handed to the queue."""
