"""Parts of `student.py`."""
