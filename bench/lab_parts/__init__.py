"""Parts of `bench/lab.py`."""
