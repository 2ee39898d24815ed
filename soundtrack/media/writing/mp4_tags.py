"""Tags that an mp4 or mov file can hold, and where.

Goes in: names of tags. Comes out: which are written and where. ffmpeg writes tags either where players look
(``ilst``), and then only those that it knows, or under names of one's own (``mdta``, as phones do), where no player
looks for a title; never both. So names of one's own are written only where nothing else would be hidden by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from soundtrack.media.writing.own_mark import TAG

_SHOWN = {
    "mp4": frozenset({
        "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping",
        "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords", "episode_sort",
        "season_number", "media_type", "hd_video", "gapless_playback", "compilation", "track", "disc",
    }),
    "mov": frozenset({"title", "artist", "album", "date", "comment", "genre", "copyright"}),
}  # fmt: skip
"""Tags that ffmpeg writes where players of a kind of file look."""
_TECHNICAL = frozenset({
    "encoder", "major_brand", "minor_version", "compatible_brands", "creation_time", "make", "model", "location",
    "location-eng", "timecode", "duration", TAG,
})  # fmt: skip
_OF_PHONES = "com."


def needs_own_names(names: Iterable[str], muxer: str = "mp4") -> bool:
    """Whether tags are best written under names of one's own: those of phones, or where there are no others.

    Parameters
    ----------
    names : iterable of str
        In lower case.
    muxer : {"mp4", "mov"}
        Kind of file.

    Examples
    --------
    >>> needs_own_names(["title", "com.apple.quicktime.make"]), needs_own_names(["title", "itunextc"])
    (True, False)
    """
    known = set(names) - _TECHNICAL
    own = known - _SHOWN[muxer]
    return bool(own) and (known == own or all(name.startswith(_OF_PHONES) for name in own))


def tags_left_out(names: Iterable[str], muxer: str = "mp4") -> frozenset[str]:
    """Names of tags that are not written; none of a kind of file that holds any.

    Parameters
    ----------
    names : iterable of str
        In lower case.
    muxer : {"mp4", "mov"}
        Kind of file.

    Examples
    --------
    >>> sorted(tags_left_out(["title", "itunextc"])), sorted(tags_left_out(["title", "show"], "mov"))
    (['itunextc'], ['show'])
    """
    names = frozenset(names)
    if muxer not in _SHOWN or needs_own_names(names, muxer):
        return frozenset()
    return names - _SHOWN[muxer] - _TECHNICAL


def stream_title(metadata: Mapping[str, str], *, container: str) -> str | None:
    """The name of a stream: its title, or in mp4 and mov, which keep titles there, a handler's name but for usual ones.

    Parameters
    ----------
    metadata : mapping
        Of the stream.
    container : str
        ffmpeg's name of the film's kind.

    Examples
    --------
    >>> stream_title({"handler_name": "Director"}, container="mov,mp4"), stream_title({}, container="matroska,webm")
    ('Director', None)
    """
    words = {name.lower(): value for name, value in metadata.items()}
    handler = words.get("handler_name", "").strip("\x0c ") if container.startswith("mov") else ""
    return words.get("title") or (None if not handler or "handler" in handler.lower() else handler)
