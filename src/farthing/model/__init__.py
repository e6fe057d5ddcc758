"""Plain values that every folder shares. No input, no output, no clock."""
