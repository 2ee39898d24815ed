"""Conversion between types and columns of the index database.

Numbers go in as they are, lists of times as little-endian float64, probabilities likewise, vectors and bar features as
little-endian float32. What comes out equals what went in, bit for bit; what never went in is refused by its column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.errors import Reason
from soundtrack.library.heard import Heard, require_unit_vectors
from soundtrack.library.identity import QuickKey
from soundtrack.library.store.ranges import MOST_CHARACTERS, MOST_ITEMS, MOST_PATH_BYTES, RANGES
from soundtrack.types import (
    BarTable,
    EmotionState,
    FloatArray,
    Segment,
    Tags,
)

TAGS = ("title", "artist", "album", "genre", "year", "licence", "isrc", "album_artist")
AUDIO = ("codec", "sample_rate_hz", "channels", "duration_s")
LOUDNESS = ("integrated_lufs", "range_lu", "true_peak_dbtp")
ANALYSIS = (
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
_HEX = frozenset("0123456789abcdef")
EMOTION = ("probabilities", "valence", "arousal", "confidence")

TRACK_COLUMNS = ", ".join((*TAGS, *AUDIO, *LOUDNESS, *ANALYSIS, *EMOTION))
"""Columns of a track, in the order that `track_of` expects."""

SEGMENT_COLUMNS = "position, start_s, end_s, loudness_lufs, probabilities, valence, arousal, confidence, vocal_share"
"""Columns of a segment, in the order that `track_of` expects."""


def columns_of(table: str, columns: str) -> str:
    """The same columns with the name of their table in front.

    Examples
    --------
    >>> columns_of("t", "a, b")
    't.a, t.b'
    """
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


class RowError(ValueError):
    """A value that this program never writes into that column."""


def integer(value: object, column: str) -> int:
    """A column that holds a whole number, in its range."""
    if not isinstance(value, int):
        raise RowError(f"{column}: not a whole number: {_shown(value)}")
    low, high = RANGES[column]
    if not low <= value <= high:
        raise RowError(f"{column}: must be in [{low:g}, {high:g}], got {value}")
    return value


def number(value: object, column: str) -> float:
    """A column that holds a number, in its range."""
    if not isinstance(value, int | float):
        raise RowError(f"{column}: not a number: {_shown(value)}")
    low, high = RANGES[column]
    if not low <= value <= high:
        raise RowError(f"{column}: must be in [{low:g}, {high:g}], got {value}")
    return float(value)


def blob(value: object, column: str) -> bytes:
    """A column that holds bytes."""
    if not isinstance(value, bytes):
        raise RowError(f"{column}: not bytes: {_shown(value)}")
    return value


def text(value: object, column: str) -> str:
    """A column that holds text, of sensible length."""
    if not isinstance(value, str):
        raise RowError(f"{column}: not a string: {_shown(value)}")
    if len(value) > MOST_CHARACTERS:
        raise RowError(f"{column}: {len(value)} characters, at most {MOST_CHARACTERS}")
    return value


def path(value: object) -> bytes:
    """A column that holds a path: bytes as the system takes them."""
    found = blob(value, "path")
    if not found or b"\0" in found or len(found) > MOST_PATH_BYTES:
        raise RowError("path: invalid")
    return found


def track_id(value: object) -> str:
    """A column that holds the name of a track: a SHA-256 in lower-case hex."""
    found = text(value, "track_id")
    if len(found) != 64 or not _HEX.issuperset(found):
        raise RowError(f"track_id: not a SHA-256: {_shown(found)}")
    return found


def reason(value: object) -> Reason:
    """A column that holds why a file was refused."""
    try:
        return Reason(text(value, "reason"))
    except ValueError as error:
        raise RowError(f"reason: unknown: {_shown(value)}") from error


def strings(value: object, column: str) -> tuple[str, ...]:
    """A column that holds a list of texts, as JSON."""
    try:
        found = json.loads(text(value, column))
    except (ValueError, RecursionError) as error:
        raise RowError(f"{column}: not a list of strings") from error
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise RowError(f"{column}: not a list of strings")
    return tuple(found)


def _shown(value: object) -> str:
    """A value as a message quotes it."""
    return f"{type(value).__name__} {str(value)[:40]!r}"


def maybe_number(value: object, column: str) -> float | None:
    return None if value is None else number(value, column)


def maybe_text(value: object, column: str) -> str | None:
    return None if value is None else text(value, column)


def _pack(values: Sequence[float]) -> bytes:
    return np.asarray(values, dtype="<f8").tobytes()


def _unpack(value: object, column: str) -> tuple[float, ...]:
    return tuple(_floats(value, column, kind="<f8").tolist())


def times(value: object, column: str) -> tuple[float, ...]:
    """A column that holds times, ascending."""
    found = _unpack(value, column)
    if any(after < before for before, after in pairwise(found)):
        raise RowError(f"{column}: not in ascending order")
    return found


def _floats(value: object, column: str, *, kind: str) -> npt.NDArray[Any]:
    """A column that holds numbers one after the other, all in range."""
    data = blob(value, column)
    dtype = np.dtype(kind)
    if len(data) % dtype.itemsize or len(data) > MOST_ITEMS * dtype.itemsize:
        raise RowError(f"{column}: {len(data)} bytes are not a list of numbers")
    found = np.frombuffer(data, dtype=dtype)
    low, high = RANGES[column]
    if len(found) and not (found.min() >= low and found.max() <= high):  # also where one is not a number
        raise RowError(f"{column}: must be in [{low:g}, {high:g}]")
    return found


def table32(value: object, column: str, *, width: int) -> FloatArray:
    """A column that holds rows of float32 numbers, all finite, shape (n, width), read only."""
    data = blob(value, column)
    if width == 0 and not data:
        return np.zeros((0, 0), dtype=np.float32)
    if width < 1 or len(data) % (4 * width):
        raise RowError(f"{column}: {len(data)} bytes are not rows of {width} numbers")
    found = np.frombuffer(data, dtype="<f4").reshape(-1, width)  # (n, width)
    if not np.isfinite(found).all():
        raise RowError(f"{column}: contains NaN or infinity")
    return found


def table16(value: object, column: str, *, n: int, width: int) -> FloatArray:
    """A column that holds `n` rows of float16 numbers, all in range, as float32, shape (n, width)."""
    data = blob(value, column)
    if len(data) != 2 * n * width:
        raise RowError(f"{column}: {len(data)} bytes are not {n} rows of {width} numbers")
    found = np.frombuffer(data, dtype="<f2").astype(np.float32).reshape(n, width)
    if not np.isfinite(found).all():
        raise RowError(f"{column}: contains NaN or infinity")
    return found


def table16_values(table: FloatArray) -> bytes:
    """Rows of numbers as they are stored: the nearest float16, the greatest one for any that is greater."""
    greatest = RANGES["numbers"][1]
    return np.clip(table, -greatest, greatest).astype("<f2").tobytes()


def unit_vectors(value: object, column: str, *, width: int) -> FloatArray:
    """A column that holds unit vectors, shape (n, width), read only."""
    found = table32(value, column, width=width)
    try:
        require_unit_vectors(found, dim=width)
    except ValueError as error:
        raise RowError(f"{column}: {error}") from error
    return found


def unit_vector(value: object, column: str, *, width: int) -> FloatArray:
    """A column that holds one unit vector, shape (width,), read only."""
    found = unit_vectors(value, column, width=width)
    if len(found) != 1:
        raise RowError(f"{column}: {len(found)} rows, expected one")
    return found.reshape(width)


def key_values(key: QuickKey) -> tuple[int, int, int, int]:
    """Columns of a quick key."""
    return key.device, key.inode, key.size_bytes, key.mtime_ns


def key_of(columns: Sequence[object]) -> QuickKey:
    """A quick key from its columns."""
    device, inode, size_bytes, mtime_ns = columns
    return QuickKey(
        integer(device, "device"),
        integer(inode, "inode"),
        integer(size_bytes, "size_bytes"),
        integer(mtime_ns, "mtime_ns"),
    )


def _emotion_values(emotion: EmotionState) -> tuple[bytes, float, float, float]:
    return _pack(emotion.probabilities), emotion.valence, emotion.arousal, emotion.confidence


def emotion_of(columns: Sequence[object]) -> EmotionState:
    probabilities, valence, arousal, confidence = columns
    return EmotionState(
        _unpack(probabilities, "probabilities"),
        number(valence, "valence"),
        number(arousal, "arousal"),
        number(confidence, "confidence"),
    )


def segment_values(segment: Segment) -> tuple[object, ...]:
    """Columns of a segment, as in `SEGMENT_COLUMNS`."""
    return (
        segment.index,
        segment.span.start_s,
        segment.span.end_s,
        segment.loudness_lufs,
        *_emotion_values(segment.emotion),
        segment.vocal_share,
    )


def tag_columns(tags: Tags) -> dict[str, str | None]:
    """Columns of a track's tags by name."""
    return {name: getattr(tags, name) for name in TAGS}


def track_columns(heard: Heard) -> dict[str, object]:
    """Columns of a track by name, as in `TRACK_COLUMNS`."""
    columns: dict[str, object] = {}
    for owner, names in (
        (heard.tags, TAGS),
        (heard.audio, AUDIO),
        (heard.loudness, LOUDNESS),
        (heard.analysis, ANALYSIS),
    ):
        columns |= {name: getattr(owner, name) for name in names}
    for name in ("beats_s", "downbeats_s", "sections_s"):
        columns[name] = _pack(getattr(heard.analysis, name))
    columns["ending"] = heard.analysis.ending.value
    return columns | dict(zip(EMOTION, _emotion_values(heard.emotion), strict=True))


def bar_values(bars: BarTable) -> tuple[int, bytes, bytes]:
    """Columns of a bar table."""
    width = int(bars.features.shape[1]) if bars.features.ndim == 2 else 0
    return width, bars.bar_starts_s.astype("<f8").tobytes(), bars.features.astype("<f4").tobytes()


def bars_of(columns: Sequence[object]) -> BarTable:
    """A bar table from its columns.

    Raises
    ------
    RowError
        Bar lines and features are not those of one table.
    """
    n_features, starts_s, features = columns
    width = integer(n_features, "n_features")
    starts = _floats(starts_s, "starts_s", kind="<f8")
    n_bars = max(0, len(starts) - 1)
    table = table32(features, "features", width=width) if width and n_bars else np.zeros((n_bars, width), np.float32)
    if len(table) != n_bars or (len(starts) > 1 and not (np.diff(starts) > 0).all()):
        raise RowError(f"bars: {len(starts)} bar lines but {len(table)} rows of features")
    return BarTable(starts, table)  # (n_bars, F)
