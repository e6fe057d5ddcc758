"""Holding the ledger against a provider's bill: tokens first, then unit prices, then credits and rounding.

bill      the bill in one form: tokens and money by day, model, class of units, tier and key
openai, anthropic, azure, pages    how each provider's export says it
ledger    the same of our own calls, from the rows
volumes   why tokens differ
rates     why the price of a unit differs
compare   both together: every difference under a name, what has none shown as it is
"""
