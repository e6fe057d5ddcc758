"""What strategies would save on calls of the past: logs are imported, replayed and turned into a plan.

imports    logs of other tools, and tables, into a store
"""
