"""Workloads, a provider's cache and a planner that knows the future, for `bench/prompt_cache.py`."""
