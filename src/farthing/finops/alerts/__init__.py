"""Alerts: rules over sums of the ledger, one state for each (rule, scope), channels that are told of changes."""
