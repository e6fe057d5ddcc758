"""Calls of the past through the gateway's own steps, on their own clock, before providers that answer as they did."""
