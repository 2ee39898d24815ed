"""Lyrics of the tracks of a library: moods, and which are explicit.

Lyrics are read from the files when they are needed and kept in no index, so an old index has them, and a corrected text
counts at once. Tracks in which no voice was heard are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from soundtrack.library.lyrics import is_explicit, read_lyrics
from soundtrack.naming.text_mood import TextMood
from soundtrack.types import EmotionState, Span, Track

_VOICE_SHARE = 0.03
"""With less of a voice nothing is sung."""
VOICED_FROM = 0.1
"""Share of a segment with a voice from which it counts as sung: instruments reach 0.05."""
MOST_FILES = 2_000
"""Tracks whose lyrics are read for one plan, in the order of the library."""


@lru_cache(maxsize=2 * MOST_FILES)
def _mood_of(path: Path) -> TextMood | None:
    found = read_lyrics(path)
    return None if found is None else found.mood()


def may_sing(track: Track) -> bool:
    """Whether a voice may have been heard in a track."""
    share = track.analysis.vocal_share
    return share is None or share >= _VOICE_SHARE


def vocal_spans(track: Track) -> tuple[Span, ...] | None:
    """Stretches of a track with singing or speech, as whole segments, on the track clock.

    Returns
    -------
    tuple of Span, optional
        Ascending, apart from each other; None where no segment is known.
    """
    if all(segment.vocal_share is None for segment in track.segments):
        return None
    spans: list[Span] = []
    for segment in track.segments:
        if (segment.vocal_share or 0.0) < VOICED_FROM:
            continue
        if spans and spans[-1].end_s >= segment.span.start_s:
            spans[-1] = Span(spans[-1].start_s, segment.span.end_s)
        else:
            spans.append(segment.span)
    return tuple(spans)


def sung_moods(tracks: Sequence[Track]) -> dict[str, EmotionState]:
    """Moods of the lyrics of those tracks that have any, by track id."""
    found = {t.track_id: _mood_of(t.path) for t in [t for t in tracks if may_sing(t)][:MOST_FILES]}
    return {name: mood.emotion for name, mood in found.items() if mood is not None and mood.emotion is not None}


def explicit_ids(tracks: Sequence[Track]) -> frozenset[str]:
    """Tracks with rude words in their lyrics, or that their title or album calls explicit."""
    return frozenset(t.track_id for t in tracks if is_explicit(t.path, t.tags.title, t.tags.album))
