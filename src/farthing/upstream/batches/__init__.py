"""Providers' batch APIs: create a batch once, find it after a crash, look at it, stream its results."""
