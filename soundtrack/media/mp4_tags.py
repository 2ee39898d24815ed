"""Which tags an mp4 or mov file can hold, and in which of its two places.

Goes in: names of tags. Comes out: which are written and where. ffmpeg writes tags either where players look
(``ilst``), and then only those that it knows, or under names of one's own (``mdta``, as phones do), where no player
looks for a title; never both. So names of one's own are written only where nothing else would be hidden by it.
"""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = frozenset({
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping",
    "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords", "episode_sort",
    "season_number", "media_type", "hd_video", "gapless_playback", "compilation", "track", "disc", "tmpo", "year",
    "performer", "author",
})  # fmt: skip
_TECHNICAL = frozenset({
    "encoder", "major_brand", "minor_version", "compatible_brands", "creation_time", "make", "model", "location",
    "location-eng", "timecode", "duration",
})  # fmt: skip
_OF_PHONES = "com."


def needs_own_names(names: Iterable[str]) -> bool:
    """Whether tags are best written under names of one's own: those of phones, or where there are no others.

    Parameters
    ----------
    names : iterable of str
        In lower case.

    Examples
    --------
    >>> needs_own_names(["title", "com.apple.quicktime.make"]), needs_own_names(["title", "itunextc"])
    (True, False)
    """
    known = set(names) - _TECHNICAL
    own = known - _SHOWN
    return bool(own) and (known == own or all(name.startswith(_OF_PHONES) for name in own))


def tags_left_out(names: Iterable[str]) -> frozenset[str]:
    """Names of tags that are not written.

    Parameters
    ----------
    names : iterable of str
        In lower case.

    Examples
    --------
    >>> sorted(tags_left_out(["title", "itunextc"]))
    ['itunextc']
    """
    names = frozenset(names)
    return frozenset() if needs_own_names(names) else names - _SHOWN - _TECHNICAL
