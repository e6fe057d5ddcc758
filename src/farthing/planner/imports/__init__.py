"""Logs of other tools as calls of the past, in a store of their own.

reading                       files as rows: compressed or not, CSV, JSON lines, arrays and pages, each with its place
values, names, usages, texts  what several formats need: times and numbers, providers, usage buckets, messages
formats                       every format, and which one a file looks like
litellm, langfuse, helicone, otel, stored_completions     one tool each: a row into calls
openai_export, anthropic_export, daily                    aggregates, which hold no single calls
farthing                      another store of Farthing
mapping, plain                tables of one's own: which column says what, and rows by that
booking                       a call of the past as a record of the ledger, priced
job                           files in, store out; goes on where it was broken off
"""
