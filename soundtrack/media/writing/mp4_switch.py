"""Track header fields of mp4 and mov that ffmpeg cannot set, set in place in a file just written.

Goes in: the file, and positions of tracks. ffmpeg switches the first subtitle on if none is (the flag ``enabled`` of
the track header, ISO/IEC 14496-12 section 8.3.2), and no option prevents it. In mov it knows only the languages that
old Macintosh systems had numbers for, without German as ``deu``; QuickTime reads the codes of ISO 639-2 as mp4 has
them (QuickTime File Format, "Language Code Values"). No box changes its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

_ENABLED = 1
_UNSPECIFIED = 0x7FFF


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
        found = _tracks(file)
        for n in tracks:
            for begin in _inside(file, found[n], b"tkhd") if n < len(found) else ():
                file.seek(begin + 3)
                flags = file.read(1)[0]
                file.seek(begin + 3)
                file.write(bytes([flags & ~_ENABLED]))


def say_languages(path: Path, languages: Mapping[int, str]) -> None:
    """Give tracks without a language one.

    Parameters
    ----------
    path : Path
        A file of our own making, changed in place.
    languages : mapping of int to str
        ISO 639-2 codes by position among the tracks of the file, from 0; other words are passed over.
    """
    wanted = {n: code for n, code in languages.items() if re.fullmatch("[a-z]{3}", code)}
    if not wanted:
        return
    with path.open("r+b") as file:
        found = _tracks(file)
        for n, code in wanted.items():
            for begin in _inside(file, found[n], b"mdia", b"mdhd") if n < len(found) else ():
                file.seek(begin)
                place = begin + (32 if file.read(1) == b"\1" else 20)  # version 1 has longer times before it
                file.seek(place)
                if int.from_bytes(file.read(2), "big") == _UNSPECIFIED:
                    file.seek(place)
                    letters = [ord(letter) - 0x60 for letter in code]
                    file.write((letters[0] << 10 | letters[1] << 5 | letters[2]).to_bytes(2, "big"))


def _tracks(file: BinaryIO) -> list[tuple[int, int]]:
    """Begin and end of the content of each track."""
    size = file.seek(0, 2)
    movie = next((box for box in _boxes(file, 0, size) if box[0] == b"moov"), (b"", 0, 0))
    return [box[1:] for box in _boxes(file, *movie[1:]) if box[0] == b"trak"]


def _inside(file: BinaryIO, inside: tuple[int, int], *names: bytes) -> Iterator[int]:
    """Where the content of boxes begins, by their names from the outside in."""
    for name, begin, end in list(_boxes(file, *inside)):
        if name == names[0] and len(names) == 1:
            yield begin
        elif name == names[0]:
            yield from _inside(file, (begin, end), *names[1:])


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
