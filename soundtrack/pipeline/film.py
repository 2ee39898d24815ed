"""From a film to what its picture and its own sound say: one decode of each, side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack import resources
from soundtrack.pipeline.music import current_model
from soundtrack.pipeline.progress import Progress, no_progress
from soundtrack.settings import MIX_RATE_HZ, SceneSettings, ShotSettings
from soundtrack.types import (
    Clip,
    EmotionState,
    FilmRef,
    Reading,
    ReadingBatch,
    SceneSheet,
    Shot,
    Span,
    VideoInfo,
)

if TYPE_CHECKING:
    from soundtrack.emotion.video_tower import VideoTower

CLIPS_AT_ONCE = 8
"""Clips that go through the network together: 8 x 16 frames of 112 px are 5 MB."""
SOUND_BLOCK_S = 10.0
"""Seconds of the film's sound in memory at a time."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the film's own sound says."""

    speech: tuple[Span, ...] = ()
    speech_lufs: float | None = None
    integrated_lufs: float | None = None
    warnings: tuple[str, ...] = ()
