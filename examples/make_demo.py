"""Make the demo film and the demo library in a folder: ``python examples/make_demo.py DIR``."""

from __future__ import annotations

import sys

from soundtrack.demo.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
