"""Parts of `bench/prompts.py`."""
