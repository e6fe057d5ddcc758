"""The parts of the cache's benchmark: what is right, what it costs, and the workload."""
