"""The same request in fewer tokens: one transform a file, pure and deterministic, and where in a request each may be used.

Equal bytes in give equal bytes out, so that a conversation is shaped alike in each of its turns and a provider's cache
goes on finding its beginning. Knows nothing of policies, models and prices.
"""
