"""Sums of arrays with one thread: the processors are shared by many tests, where threads that wait for each other took four
times what the work itself takes. Imported before numpy, which reads it once; what tests start inherits it."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
