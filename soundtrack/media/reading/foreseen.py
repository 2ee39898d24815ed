"""Header facts of a film that a container cannot hold, known before writing.

Goes in: facts of the film's headers and the kind of file. Comes out: a line for each loss, in the words of the
comparison after the work. What is not listed here is found out then.
"""

from __future__ import annotations

from collections.abc import Mapping

from soundtrack.media.reading.headers import Facts

_KEPT_BY = {
    "Dolby Vision record": frozenset({"mp4", "matroska", "mpegts"}),
    "Stereo 3D": frozenset({"mp4", "matroska", "webm"}),
    "Spherical Mapping": frozenset({"mp4", "matroska", "webm"}),
    "cropping": frozenset({"mp4", "mov", "matroska"}),
    "reel name": frozenset({"mp4", "mov"}),
    "language tag": frozenset[str](),
    "chapter names": frozenset[str](),
}
"""Which kinds of file ffmpeg writes each into."""


def foreseen_losses(
    facts: Mapping[int, Facts], names: Mapping[int, str], *, muxer: str, crops: bool
) -> tuple[str, ...]:
    """What will be lost, one line each.

    Parameters
    ----------
    facts : mapping
        Of the film's headers, by stream; those of the whole under -1.
    names : mapping of int to str
        What the streams that are kept are called; those of the whole under -1.
    muxer : str
        ffmpeg's name for the kind of file.
    crops : bool
        Whether the ffmpeg that writes can copy cropping.

    Examples
    --------
    >>> foreseen_losses({-1: (("reel name", "A001"),)}, {-1: "film"}, muxer="matroska", crops=True)
    ('film: reel name not kept: A001',)
    """
    return tuple(
        f"{names[index]}: {what} not kept: {value}"
        for index in sorted(facts.keys() & names.keys())
        for what, value in facts[index]
        if what in _KEPT_BY and (muxer not in _KEPT_BY[what] or (what == "cropping" and not crops))
    )
