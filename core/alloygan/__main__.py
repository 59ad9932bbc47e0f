"""`python -m alloygan` is the command `alloygan`."""

from alloygan.cli import main

main()
