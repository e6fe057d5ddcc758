"""The ledger as a FOCUS cost and usage data set, the FinOps Foundation's common format for bills."""
