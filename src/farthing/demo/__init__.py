"""A company's morning, driven through a real gateway by the real SDKs, against the simulated provider.

`company` says who does what, `morning` lets them do it, `stage` starts and stops the parts. Nothing here is part of the
gateway; the calls, their tokens and their costs are as real as the simulator's token counts and the price lists.
"""
