"""Tools that Farthing never loads: each works in an environment of its own, as a process that can be ended and goes on."""
