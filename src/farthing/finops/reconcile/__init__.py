"""Holding the ledger against a provider's bill: tokens first, then unit prices, then credits and rounding.

bill                               the bill in one form: units and money by day, model, tier, class and key
pages, openai, anthropic, azure    how files are saved, and how each provider's export says it
ledger                             the same of our own calls, from the rows
cells                              both in the same cells
volumes                            why units differ
rates                              why the price of a unit differs
compare                            both together, exact to the last digit
causes                             the names of differences
job                                files and store in, comparison and corrections out
"""
