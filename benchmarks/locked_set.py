"""Draw the locked set from the tables of four public corpora.

Usage: python benchmarks/locked_set.py DATA [--write]

DATA holds mved/labels.csv, oasis/ratings.csv, vgmidi/labels.csv and emotify/labels.csv. The rule is
`soundtrack.training.locked.draw` with the seed given there: 25 sources of MVED, each class by its share; 120 stills of
OASIS, whole themes, each category by its share; 30 pieces of VGMIDI, whole games; 60 tracks of Emotify, each genre by
its share. Of films and stills, those are drawn first that the picture network of version 4 was never shown. Prints the
names, or with --write writes ``soundtrack/training/locked.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from soundtrack.training.locked import LIST, SEED, Item, digest, draw
from soundtrack.training.picture.distil import held_out

N_FILMS, N_STILLS, N_PIECES, N_TRACKS = 25, 120, 30, 60


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shown(source: str) -> bool:
    """Whether the picture network of version 4 was shown a film or theme."""
    return not held_out([source])[0]


def drawn(data: Path) -> dict[str, list[str]]:
    """Names by corpus."""
    films = [
        Item(r["file"].rsplit(".", 1)[0], r["source_id"], r["class"], known=shown(f"mved/{r['source_id']}"))
        for r in rows(data / "mved" / "labels.csv")
    ]
    stills = [
        Item(Path(r["file"]).stem, r["theme_group"], r["category"], known=shown(f"oasis/{r['theme_group']}"))
        for r in rows(data / "oasis" / "ratings.csv")
    ]
    pieces = [Item(Path(r["file"]).stem, r["game"]) for r in rows(data / "vgmidi" / "labels.csv")]
    tracks = [Item(Path(r["file"]).stem, r["file"], r["genre"]) for r in rows(data / "emotify" / "labels.csv")]
    return {
        "mved": draw(films, N_FILMS),
        "oasis": draw(stills, N_STILLS),
        "vgmidi": draw(pieces, N_PIECES),
        "emotify": draw(tracks, N_TRACKS),
    }


def text(sets: dict[str, list[str]]) -> str:
    """The list as it is kept."""
    document = {"schema": "soundtrack.locked/1", "seed": SEED, "sha256": digest(sets), "sets": sets}
    return json.dumps(document, indent=1) + "\n"


def main() -> None:
    """Draw, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    made = text(drawn(asked.data))
    if asked.write:
        LIST.write_text(made, encoding="utf-8")
    else:
        print(made, end="")


if __name__ == "__main__":
    main()
