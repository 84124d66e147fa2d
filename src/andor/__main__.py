"""``python -m andor`` is the command `andor`."""

from andor.cli import main

main()
