"""FinOps: what people decide by, read from the store. Nothing here is on the way of a call."""
