"""Hidden tracks of playlists that are made from facts about 1,432 pieces: who finds them again.

Usage: python benchmarks/playlists.py incompetech_feel_bpm.csv
       python benchmarks/playlists.py spotify_songs.csv --least 2

The first table has the columns ``feel``, ``genre`` and ``instruments``, each with words separated by commas; its facts
are those of incompetech.com (Kevin MacLeod). A playlist is twelve pieces drawn from those that share two feel words,
three playlists for each pair of words that twenty or more pieces share. Tags are genre and instruments, so that the
words that made the playlists are hidden. These playlists were not made by people: their figures say that the method
works, and not how well it does for people.

A table with the columns ``track_name``, ``artist``, ``album``, ``album_release`` and ``playlist`` holds playlists of
people, one row for each track of a playlist. Tags are words of title and album, the artist and the decade, as in a
library; tracks of fewer than ``--least`` playlists are left out.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import re
from collections import Counter, defaultdict
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


def by_people(table: Path, least: int) -> Sources:
    """Playlists of people, and tags of their tracks."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        named[row["playlist"]].add((row["track_name"], row["artist"]))
    uses = Counter(track for tracks in named.values() for track in tracks)
    place = {track: i for i, track in enumerate(track for track, n in uses.items() if n >= least)}
    tags: list[set[str]] = [set() for _ in place]
    albums: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in rows:
        i = place.get((row["track_name"], row["artist"]))
        if i is not None:
            said = re.findall(r"[^\W\d_]{3,}", f"{row['track_name']} {row['album']}".lower())
            tags[i] |= {*said, f"artist {row['artist'].lower()}", f"decade {row['album_release'][-4:-1]}"}
            albums[row["artist"], row["album"]].add(i)
    playlists = [tuple(sorted(place[track] for track in tracks if track in place)) for tracks in named.values()]
    return Sources(
        tags=tuple(tuple(sorted(its)) for its in tags),
        playlists=tuple(tracks for tracks in playlists if len(tracks) > 1),
        groups=tuple(tuple(sorted(album)) for album in albums.values() if len(album) > 1),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Hidden tracks of playlists")
    parser.add_argument("table", type=Path)
    parser.add_argument("--least", type=int, default=0, help="for playlists of people")
    given = parser.parse_args()
    report = held_out(by_people(given.table, given.least) if given.least else made_up(given.table))
    print(f"{report.n_entries} tracks of {report.n_playlists} playlists, {report.n_tracks} pieces")
    print("\n".join(report.lines()))


if __name__ == "__main__":
    main()
