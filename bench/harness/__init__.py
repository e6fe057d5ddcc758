"""What the benchmarks of the gateway share: a mock provider and a load generator in C, the subjects, the verdicts."""
