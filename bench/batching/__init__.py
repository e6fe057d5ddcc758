"""Parts of `bench/batch.py`: lines as they come, providers as they are, what is done with the lines, and who knows best."""
