"""The cache: exact first, then semantic with a guard and an error bound; never across tenants.

`step` walks a call through it, `policy` says what a call may use, `flight` makes one call of equal ones, `semantic` finds
and judges near questions, `bound` decides how near is near enough, `index` holds vectors, `guard` compares questions.
"""
