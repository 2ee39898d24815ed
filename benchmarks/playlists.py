"""Hidden tracks of playlists that are made from facts about 1,432 pieces: who finds them again.

Usage: python benchmarks/playlists.py incompetech_feel_bpm.csv

The table has the columns ``feel``, ``genre`` and ``instruments``, each with words separated by commas; its facts are
those of incompetech.com (Kevin MacLeod). A playlist is twelve pieces drawn from those that share two feel words, three
playlists for each pair of words that twenty or more pieces share. Tags are genre and instruments, so that the words
that made the playlists are hidden. The playlists were not made by people: the figures say that the method works, and
not how well it does for people.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np

from soundtrack.evaluation.playlists import held_out
from soundtrack.taste.taste import Sources

N_EACH, LENGTH, LEAST = 3, 12, 20


def words(text: str) -> tuple[str, ...]:
    """Words separated by commas, in lower case."""
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())


def made_up(table: Path) -> Sources:
    """Playlists and tags of the pieces of a table."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    feel = [set(words(row["feel"])) for row in rows]
    rng = np.random.default_rng(0)
    playlists = []
    for pair in itertools.combinations(sorted(set().union(*feel)), 2):
        members = [i for i, its in enumerate(feel) if its.issuperset(pair)]
        if len(members) >= LEAST:
            playlists += [tuple(int(i) for i in rng.choice(members, LENGTH, replace=False)) for _ in range(N_EACH)]
    tags = tuple(tuple(sorted({*words(row["genre"]), *words(row["instruments"])})) for row in rows)
    return Sources(tags=tags, playlists=tuple(playlists))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Hidden tracks of playlists")
    parser.add_argument("table", type=Path)
    report = held_out(made_up(parser.parse_args().table))
    print(f"{report.n_entries} tracks of {report.n_playlists} playlists, {report.n_tracks} pieces")
    print("\n".join(report.lines()))


if __name__ == "__main__":
    main()
