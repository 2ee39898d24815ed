"""Between the types of the tool and the columns of the index database.

Numbers go in as they are, lists of times as little-endian float64, probabilities likewise, vectors and bar features as
little-endian float32. What comes out equals what went in, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from soundtrack.library.heard import Heard
from soundtrack.library.identity import QuickKey
from soundtrack.types import (
    AudioInfo,
    BarTable,
    EmotionState,
    Ending,
    FloatArray,
    Loudness,
    MusicAnalysis,
    Segment,
    Span,
    Tags,
    Track,
)

_TAGS = ("title", "artist", "album", "genre", "year", "licence", "isrc", "album_artist")
_AUDIO = ("codec", "sample_rate_hz", "channels", "duration_s")
_LOUDNESS = ("integrated_lufs", "range_lu", "true_peak_dbtp")
_ANALYSIS = (
    *(
        "tempo_bpm",
        "tempo_confidence",
        "key",
        "key_confidence",
        "beats_s",
        "downbeats_s",
        "beats_per_bar",
        "sections_s",
    ),
    *("music_start_s", "music_end_s", "ending", "vocal_share"),
)
_EMOTION = ("probabilities", "valence", "arousal", "confidence")

TRACK_COLUMNS = ", ".join((*_TAGS, *_AUDIO, *_LOUDNESS, *_ANALYSIS, *_EMOTION))
"""Columns of a track, in the order that `track_of` expects."""

SEGMENT_COLUMNS = "position, start_s, end_s, loudness_lufs, probabilities, valence, arousal, confidence"
"""Columns of a segment, in the order that `track_of` expects."""


def columns_of(table: str, columns: str) -> str:
    """The same columns with the name of their table in front.

    Examples
    --------
    >>> columns_of("t", "a, b")
    't.a, t.b'
    """
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


def integer(value: object) -> int:
    """A column that holds a whole number."""
    if not isinstance(value, int):
        raise ValueError(f"not a whole number: {value!r}")
    return value


def number(value: object) -> float:
    """A column that holds a number."""
    if not isinstance(value, int | float):
        raise ValueError(f"not a number: {value!r}")
    return float(value)


def blob(value: object) -> bytes:
    """A column that holds bytes."""
    if not isinstance(value, bytes):
        raise ValueError(f"not bytes: {value!r}")
    return value


def _maybe_number(value: object) -> float | None:
    return None if value is None else number(value)


def _maybe_text(value: object) -> str | None:
    return None if value is None else str(value)


def _pack(values: Sequence[float]) -> bytes:
    return np.asarray(values, dtype="<f8").tobytes()


def _unpack(value: object) -> tuple[float, ...]:
    return tuple(np.frombuffer(blob(value), dtype="<f8").tolist())


def floats32(value: object) -> FloatArray:
    """A column that holds float32 numbers, shape (n,), read only."""
    return np.frombuffer(blob(value), dtype="<f4")


def key_values(key: QuickKey) -> tuple[int, int, int, int]:
    """Columns of a quick key."""
    return key.device, key.inode, key.size_bytes, key.mtime_ns


def key_of(columns: Sequence[object]) -> QuickKey:
    """A quick key from its columns."""
    device, inode, size_bytes, mtime_ns = (integer(column) for column in columns)
    return QuickKey(device, inode, size_bytes, mtime_ns)


def _emotion_values(emotion: EmotionState) -> tuple[bytes, float, float, float]:
    return _pack(emotion.probabilities), emotion.valence, emotion.arousal, emotion.confidence


def _emotion_of(columns: Sequence[object]) -> EmotionState:
    probabilities, valence, arousal, confidence = columns
    return EmotionState(_unpack(probabilities), number(valence), number(arousal), number(confidence))


def segment_values(segment: Segment) -> tuple[object, ...]:
    """Columns of a segment, as in `SEGMENT_COLUMNS`."""
    return (
        segment.index,
        segment.span.start_s,
        segment.span.end_s,
        segment.loudness_lufs,
        *_emotion_values(segment.emotion),
    )


def tag_columns(tags: Tags) -> dict[str, str | None]:
    """Columns of a track's tags by name."""
    return {name: getattr(tags, name) for name in _TAGS}


def track_columns(heard: Heard) -> dict[str, object]:
    """Columns of a track by name, as in `TRACK_COLUMNS`."""
    columns: dict[str, object] = {}
    for owner, names in (
        (heard.tags, _TAGS),
        (heard.audio, _AUDIO),
        (heard.loudness, _LOUDNESS),
        (heard.analysis, _ANALYSIS),
    ):
        columns |= {name: getattr(owner, name) for name in names}
    for name in ("beats_s", "downbeats_s", "sections_s"):
        columns[name] = _pack(getattr(heard.analysis, name))
    columns["ending"] = heard.analysis.ending.value
    return columns | dict(zip(_EMOTION, _emotion_values(heard.emotion), strict=True))


def track_of(track_id: str, path: Path, columns: Sequence[object], segments: Sequence[Sequence[object]]) -> Track:
    """A track from its columns and those of its segments."""
    named = dict(zip((*_TAGS, *_AUDIO, *_LOUDNESS, *_ANALYSIS), columns, strict=False))
    return Track(
        track_id=track_id,
        path=path,
        tags=Tags(**{name: _maybe_text(named[name]) for name in _TAGS}),
        audio=AudioInfo(
            codec=str(named["codec"]),
            sample_rate_hz=integer(named["sample_rate_hz"]),
            channels=integer(named["channels"]),
            duration_s=number(named["duration_s"]),
        ),
        loudness=Loudness(**{name: number(named[name]) for name in _LOUDNESS}),
        analysis=MusicAnalysis(
            tempo_bpm=_maybe_number(named["tempo_bpm"]),
            tempo_confidence=number(named["tempo_confidence"]),
            key=_maybe_text(named["key"]),
            key_confidence=number(named["key_confidence"]),
            beats_s=_unpack(named["beats_s"]),
            downbeats_s=_unpack(named["downbeats_s"]),
            beats_per_bar=integer(named["beats_per_bar"]),
            sections_s=_unpack(named["sections_s"]),
            music_start_s=number(named["music_start_s"]),
            music_end_s=number(named["music_end_s"]),
            ending=Ending(str(named["ending"])),
            vocal_share=_maybe_number(named["vocal_share"]),
        ),
        emotion=_emotion_of(columns[-len(_EMOTION) :]),
        segments=tuple(
            Segment(integer(position), Span(number(start), number(end)), _emotion_of(emotion), number(loudness))
            for position, start, end, loudness, *emotion in segments
        ),
    )


def bar_values(bars: BarTable) -> tuple[int, bytes, bytes]:
    """Columns of a bar table."""
    width = int(bars.features.shape[1]) if bars.features.ndim == 2 else 0
    return width, bars.bar_starts_s.astype("<f8").tobytes(), bars.features.astype("<f4").tobytes()


def bars_of(columns: Sequence[object]) -> BarTable:
    """A bar table from its columns."""
    width, starts_s, features = columns
    starts = np.frombuffer(blob(starts_s), dtype="<f8")
    return BarTable(starts, floats32(features).reshape(max(0, len(starts) - 1), integer(width)))  # (n_bars, F)
