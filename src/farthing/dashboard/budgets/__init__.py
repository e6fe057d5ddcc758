"""The parts of the page on budgets."""
