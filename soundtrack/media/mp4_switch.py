"""Switch off tracks of an mp4 or mov file that was just written.

Goes in: the file, and positions of tracks. ffmpeg switches the first subtitle on if none is (the flag ``enabled`` of
the track header, ISO/IEC 14496-12 section 8.3.2), and no option prevents it. One bit is cleared in place; no box
changes its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_ENABLED = 1


def switch_off(path: Path, tracks: Sequence[int]) -> None:
    """Clear the flag ``enabled`` of some tracks.

    Parameters
    ----------
    path : Path
        A file of our own making, changed in place.
    tracks : sequence of int
        Positions among the tracks of the file, from 0.
    """
    if not tracks:
        return
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        movie = next((box for box in _boxes(file, 0, size) if box[0] == b"moov"), None)
        if movie is None:
            return
        found = [box for box in _boxes(file, *movie[1:]) if box[0] == b"trak"]
        for n in tracks:
            for name, begin, _end in _boxes(file, *found[n][1:]) if n < len(found) else ():
                if name == b"tkhd":
                    file.seek(begin + 3)
                    flags = file.read(1)[0]
                    file.seek(begin + 3)
                    file.write(bytes([flags & ~_ENABLED]))


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of the content of each box in a range."""
    while begin + 8 <= end:
        file.seek(begin)
        head = file.read(16)
        size, content = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), 16
        size = size or end - begin
        if size < content:
            return
        yield head[4:8], begin + content, begin + size
        begin += size
