"""`python -m farthing` is the command `farthing`."""

from farthing.cli.main import main

main()
