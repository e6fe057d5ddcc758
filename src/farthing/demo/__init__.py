"""A company's month, told through the real gateway: thirty days on a clock that the story moves, then live traffic.

`company` says who asks what, `calendar` when, `settings` what the operator switched on when; `story` plays the past in a
minute with the simulated provider in this process, `live` goes on over HTTP with both SDKs; `stage` starts and stops the
parts. Nothing here is part of the gateway; the calls, their tokens and their costs are as real as the simulator's token
counts and the price lists.
"""
