"""Ratings and play counts of a music file, as a weight for what its playlists say.

Goes in: a path. Comes out: a number around 1. Read from the ID3 frames POPM (``popularimeter``) and PCNT, of ID3v2.3
and 2.4 (id3.org), and from the comments RATING, FMPS_RATING, FMPS_PLAYCOUNT and PLAYCOUNT of other formats. tinytag
skips those two frames, and the other library that reads them is under the GPL; so the frames are found here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import InputError
from soundtrack.files import safe_read
from soundtrack.library.tags import read_fields

MOST_BYTES = 4 << 20
"""A larger ID3 tag is not searched."""
LEAST, MOST = 0.2, 3.0
"""Limits of the weight."""


@dataclass(frozen=True, slots=True)
class Liking:
    """What the user said and did about a track."""

    rating: float | None = None
    """From 0 (worst) to 1 (best); None without a rating."""
    plays: int | None = None
    """How often it was played; None if unknown."""

    @property
    def weight(self) -> float:
        """What a mention of the track counts, 1 where nothing is known, in [0.2, 3].

        Examples
        --------
        >>> Liking().weight, Liking(rating=1.0).weight, Liking(rating=0.0).weight, Liking(plays=0).weight
        (1.0, 2.0, 0.2, 1.0)
        """
        stars = 1.0 if self.rating is None else max(LEAST, 2.0 * self.rating)
        return min(MOST, stars * (1 + 0.1 * math.log2(1 + (self.plays or 0))))


def read_liking(path: Path) -> Liking:
    """Rating and play count of a file; nothing where there is none or the file cannot be read."""
    rating, plays = _of_frames(path)
    if rating is None or plays is None:
        fields = {name.lower(): value for name, value in read_fields(path, duration=False).items()}
        rating = _rating(fields) if rating is None else rating
        counted = _number(fields, "fmps_playcount", "playcount", "play_counter")
        plays = int(counted) if plays is None and counted is not None else plays
    return Liking(rating, plays)


def _rating(fields: dict[str, object]) -> float | None:
    """A rating from 0 to 1, whatever its scale: up to 1, 5 or 100."""
    exact = _number(fields, "fmps_rating")
    if exact is not None and exact <= 1:
        return exact
    stars = _number(fields, "rating")
    if stars is None or stars > 100:
        return None
    return stars / (1 if stars <= 1 else 5 if stars <= 5 else 100)


def _number(fields: dict[str, object], *names: str) -> float | None:
    """The first number that is not negative in some fields."""
    for name in names:
        value = fields.get(name)
        text = str(value[0] if isinstance(value, list) and value else value).strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
            return float(text)
    return None


def _of_frames(path: Path) -> tuple[float | None, int | None]:
    """Rating and play count in the ID3v2 tag at the start of a file."""
    try:
        with safe_read.open_regular(path) as file:
            head = file.read(10)
            if len(head) < 10 or head[:3] != b"ID3" or head[3] not in (3, 4):
                return None, None
            size = _syncsafe(head[6:10])
            data = file.read(size) if size <= MOST_BYTES else b""
    except (InputError, OSError):
        return None, None
    rating: float | None = None
    plays: int | None = None
    for name, body in _frames(data, syncsafe=head[3] == 4):
        if name == b"POPM":
            _, found, rest = body.partition(b"\0")
            if found and rest:
                rating = rest[0] / 255 if rest[0] else rating
                plays = int.from_bytes(rest[1:9], "big") if len(rest) > 1 else plays
        elif name == b"PCNT" and body:
            plays = int.from_bytes(body[:8], "big")
    return rating, plays


def _frames(data: bytes, *, syncsafe: bool) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each frame of a tag, up to the first that is none."""
    at = 0
    while at + 10 <= len(data) and re.fullmatch(rb"[A-Z0-9]{4}", data[at : at + 4]):
        size_bytes = data[at + 4 : at + 8]
        size = _syncsafe(size_bytes) if syncsafe else int.from_bytes(size_bytes, "big")
        if size > len(data) - at - 10:
            return
        yield data[at : at + 4], data[at + 10 : at + 10 + size]
        at += 10 + size


def _syncsafe(four: bytes) -> int:
    """A number of four bytes with seven bits each."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))
