"""Budgets that hold: what an attempt may cost is reserved before it is sent, and what it did cost is charged once."""
