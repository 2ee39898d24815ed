"""Valid range of every number in an index database, by column: one table for reading and verifying.

The ranges are wide: whatever analysis can bring is inside, however odd the file. What is outside was never written by
this program, so the database is damaged or forged, and it is refused before anything is computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST_CHARACTERS = 20_000
"""Largest length of a text; tags are cut far below when they are read."""

MOST_PATH_BYTES = 16_384
"""Largest length of a stored path; no system opens one of more than 4,096 bytes."""

MOST_ITEMS = 1_000_000
"""Largest number of beats, bars or sections of a track."""

_ANY = (-(2.0**63), 2.0**63)
_COUNT = (0.0, 1e9)
_SECONDS = (0.0, 1e7)
_LEVEL = (-400.0, 1_000.0)
_SHARE = (-1e-6, 1.0 + 1e-6)

RANGES: Mapping[str, tuple[float, float]] = {
    "dim": (1.0, 65_536.0),
    "generation": (0.0, 2.0**60),
    "n_rows": _COUNT,
    "features": _COUNT,
    "sample_rate_hz": (1.0, 1e8),
    "channels": (1.0, 65_536.0),
    "duration_s": _SECONDS,
    "integrated_lufs": _LEVEL,
    "loudness_lufs": _LEVEL,
    "range_lu": (0.0, 2_000.0),
    "true_peak_dbtp": _LEVEL,
    "tempo_bpm": (0.0, 1e5),
    "tempo_confidence": _SHARE,
    "key_confidence": _SHARE,
    "vocal_share": _SHARE,
    "beats_per_bar": (0.0, 1_000.0),
    "beats_s": _SECONDS,
    "downbeats_s": _SECONDS,
    "sections_s": _SECONDS,
    "starts_s": _SECONDS,
    "music_start_s": _SECONDS,
    "music_end_s": _SECONDS,
    "start_s": _SECONDS,
    "end_s": _SECONDS,
    "valence": (-1.0, 1.0),
    "arousal": (-1.0, 1.0),
    "confidence": (0.0, 1.0),
    "probabilities": (0.0, 1.0),
    "position": _COUNT,
    "n_segments": (1.0, 1e7),
    "n_features": (0.0, 65_536.0),
    "numbers": (-65_504.0, 65_504.0),
    "channel": (1.0, 1e9),
    "device": _ANY,
    "inode": _ANY,
    "size_bytes": (0.0, 2.0**63),
    "mtime_ns": _ANY,
    "tracks": _COUNT,
    "present": _COUNT,
    "segments": _COUNT,
    "failures": _COUNT,
}
"""Least and greatest value of a column, both allowed."""
