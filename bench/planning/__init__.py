"""Parts of `plan.py`: months of calls, and the world in which they are asked."""
