"""Headers beside the streams: cropping, Dolby Vision, programmes, nested chapters, language regions.

Goes in: a path. Comes out: facts as names and values, so that two films can be compared. PyAV gives no access to the
side data of a stream nor to programmes, but prints them; the names of chapters and languages in Matroska, which libav
reads in part only, are read from the elements themselves (RFC 9559), as far as the first cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from soundtrack.media.opening import open_container

Facts = tuple[tuple[str, str], ...]

_LABELS = {"DOVI configuration record": "Dolby Vision record", "Frame Cropping": "cropping"}
_TOLD_ELSEWHERE = (
    "cpb",
    "Audio Service Type",
    "displaymatrix",
    "Mastering Display Metadata",
    "Content Light Level Metadata",
)

_NAMELESS = "Service01"
"""What ffmpeg calls a programme without a name."""

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_TRACKS, _TRACK, _LANGUAGE_TAG = 0x1654AE6B, 0xAE, 0x22B59D
_CHAPTERS, _EDITION, _ATOM, _DISPLAY = 0x1043A770, 0x45B9, 0xB6, 0x80
_NAME, _LANGUAGE, _SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_PLACE = 0x85, 0x437C, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_MAX_VALUE_BYTES = 4096
_MAX_ELEMENTS = 100_000


def stream_facts(film: Any) -> dict[int, Facts]:
    """Side data of each stream of an open container, by index; of programmes under -1.

    Parameters
    ----------
    film : av.container.InputContainer
        The film.
    """
    facts: dict[int, list[tuple[str, str]]] = {}
    stream, in_side_data, program = -1, False, ""
    for line in _printed(film).splitlines():
        if found := re.match(r" +Stream #0:(\d+)", line):
            stream, in_side_data = int(found[1]), False
        elif found := re.match(r" +Program (\d+)", line):
            stream, in_side_data, program = -1, False, found[1]
            facts.setdefault(-1, []).append((f"programme {program}", _NAMELESS))
        elif re.match(r" +Side data:$", line):
            in_side_data = True
        elif program and stream < 0 and (found := re.match(r" +service_name +: (.*)", line)):
            facts[-1][-1] = (f"programme {program}", found[1])
        elif in_side_data and (found := re.match(r" {6,}([\w ]+?)[:,] ?(.*)", line)):
            if found[1] not in _TOLD_ELSEWHERE:
                facts.setdefault(stream, []).append((_LABELS.get(found[1], found[1]), found[2].strip()))
        else:
            in_side_data = False
    if [value for _, value in facts.get(-1, [])] == [_NAMELESS]:
        del facts[-1]  # one programme without a name is none
    for reel in {s.metadata["reel_name"] for s in film.streams if s.metadata.get("reel_name")}:
        facts.setdefault(-1, []).append(("reel name", reel))
    return {index: tuple(found) for index, found in facts.items()}


def header_facts(path: Path) -> dict[int, Facts]:
    """All facts of a film by stream, those of the whole under -1; to be called in the sandbox."""
    with open_container(path) as film:
        found = stream_facts(film)
    more = matroska_facts(path)
    return {index: found.get(index, ()) + more.get(index, ()) for index in found.keys() | more.keys()}


def _printed(film: Any) -> str:
    """What libav prints of a container."""
    import av.logging

    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        return str(film.dumps_format())
    finally:
        av.logging.set_level(level)


def matroska_facts(path: Path) -> dict[int, Facts]:
    """Language tags by track position, and under -1 chapter names, where there are more than chapters in a row.

    Parameters
    ----------
    path : Path
        Any file.
    """
    with path.open("rb") as file:
        if file.read(4) != b"\x1aE\xdf\xa3":
            return {}
        try:
            size = file.seek(0, 2)
            segment = next(e for e in _elements(file, 0, size) if e[0] == _SEGMENT)
            found = {e[0]: e[1:] for e in _head(file, *segment[1:])}
            tracks = list(_children(file, found.get(_TRACKS), _TRACK))
            facts: dict[int, Facts] = {}
            for n, track in enumerate(tracks):
                tag = next((_text(file, e) for e in _elements(file, *track) if e[0] == _LANGUAGE_TAG), "")
                if "-" in tag:  # without a region or script it says what the language says
                    facts[n] = (("language tag", tag),)
            editions = list(_children(file, found.get(_CHAPTERS), _EDITION))
            names = [name for edition in editions for name in _chapters(file, edition, depth=0)]
            n_outer = sum(len(list(_children(file, edition, _ATOM))) for edition in editions)
        except (OSError, StopIteration, RecursionError):
            return {}
    return facts | ({-1: (("chapter names", ", ".join(names)),)} if len(names) > n_outer else {})


_Range = tuple[int, int]


def _head(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Elements of the segment before the first cluster, and the chapters wherever they are."""
    for element in _elements(file, begin, end):
        if element[0] == _CLUSTER:
            return
        yield element
        if element[0] == _SEEK_HEAD:
            for seek in _children(file, element[1:], _SEEK):
                said = {e[0]: _value(file, e) for e in _elements(file, *seek)}
                if said.get(_SEEK_ID) == _CHAPTERS.to_bytes(4, "big"):
                    place = begin + int.from_bytes(said.get(_SEEK_PLACE, b""), "big")
                    yield from (e for e in _elements(file, place, min(place + 16, end)) if e[0] == _CHAPTERS)


def _chapters(file: BinaryIO, inside: _Range, *, depth: int) -> Iterator[str]:
    """Names of chapters with language and depth: ``Akt 1 [ger]``, ``> Scene 1 [eng]``."""
    for atom in _children(file, inside, _ATOM):
        for display in _children(file, atom, _DISPLAY):
            said = {e[0]: _text(file, e) for e in _elements(file, *display)}
            yield f"{'> ' * depth}{said.get(_NAME, '')} [{said.get(_LANGUAGE, 'eng')}]"
        if depth < 8:
            yield from _chapters(file, atom, depth=depth + 1)


def _children(file: BinaryIO, inside: _Range | None, wanted: int) -> Iterator[_Range]:
    """Contents of the elements of one kind."""
    if inside is not None:
        yield from ((begin, end) for name, begin, end in _elements(file, *inside) if name == wanted)


def _elements(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Name, begin and end of the content of each element in a range; an unknown size is the rest of the range."""
    for _ in range(_MAX_ELEMENTS):
        if begin + 2 > end:
            return
        file.seek(begin)
        head = file.read(12)
        n_name = 9 - head[0].bit_length()
        if n_name > 4 or len(head) <= n_name:
            return
        n_size = 9 - head[n_name].bit_length()
        coded = int.from_bytes(head[n_name : n_name + n_size], "big") & ((1 << 7 * n_size) - 1)
        content = begin + n_name + n_size
        stop = end if coded == (1 << 7 * n_size) - 1 else content + coded
        yield int.from_bytes(head[:n_name], "big"), content, stop
        begin = stop


def _value(file: BinaryIO, element: tuple[int, int, int]) -> bytes:
    """Content of an element."""
    _name, begin, end = element
    file.seek(begin)
    return file.read(min(end - begin, _MAX_VALUE_BYTES))


def _text(file: BinaryIO, element: tuple[int, int, int]) -> str:
    """Content of an element as text."""
    return _value(file, element).rstrip(b"\0").decode("utf-8", "replace")
