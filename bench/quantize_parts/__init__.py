"""What the benchmark of quantization is made of."""
