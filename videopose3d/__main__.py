"""``python -m videopose3d``."""

from videopose3d.cli import main

main()
