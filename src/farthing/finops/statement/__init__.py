"""Chargeback statements: what each team or project pays for a month, and why."""
