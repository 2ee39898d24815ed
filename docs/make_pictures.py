#!/usr/bin/env python3
"""Draw the pictures of README and docs from the demo: ``python docs/make_pictures.py [DEMO_FOLDER]``.

Makes the demo first where DIR has no cue sheet yet. Writes docs/images/demo.svg.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parent / "images"


def main(folder: Path) -> None:
    """Write all pictures."""
    cues = folder / "film.scored.cues.json"
    if not cues.exists():
        subprocess.run(["soundtrack", "demo", str(folder)], check=True)
    IMAGES.mkdir(exist_ok=True)
    subprocess.run(["soundtrack", "cues", "show", str(cues), "--plot", str(IMAGES / "demo.svg"), "--force"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
