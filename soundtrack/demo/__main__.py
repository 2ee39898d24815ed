"""``python -m soundtrack.demo DIR``: only the media, without indexing or scoring."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Make the media in the folder given on the command line; returns the exit code."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m soundtrack.demo DIR\n")
        return 2
    from soundtrack.demo.make import make_demo

    media = make_demo(Path(sys.argv[1]))
    sys.stderr.write(f"{media.film}\n{media.library}: {len(media.tracks)} tracks\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
