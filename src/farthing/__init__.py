"""Farthing: the FinOps plane for LLM workloads. The folders, from top to bottom, are the way of the data (docs/explanation/design.md)."""

__version__ = "0.1.0"
