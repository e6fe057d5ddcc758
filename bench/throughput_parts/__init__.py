"""Parts of `bench/throughput.py`: published points, shapes of models, the fit."""
