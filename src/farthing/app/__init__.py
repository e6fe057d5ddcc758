"""The composition root: settings -> objects. The only place that wires; nothing is decided here.

`build` makes the gateway; each other file makes one part of it, and is imported by name, so that a command which needs one
part does not load all of them.
"""
