"""``python -m soundtrack`` is ``soundtrack``."""

from soundtrack.cli.app import main

main()
