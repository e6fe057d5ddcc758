"""One rule a file. A rule is an object with a name that turns what is seen into findings; it keeps no state."""
