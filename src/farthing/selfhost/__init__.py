"""Own models: what they cost, what fits where, quantized with measured loss, distilled with a guarantee."""
