"""Which deployment serves a call, and what happens when it fails. `step` is the step, `health` what can be shown of it."""
