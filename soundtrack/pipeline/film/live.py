"""What a camera shows, second by second, and the music that would play for it.

Goes in: frames as they come. Comes out: a reading every second, from the last two seconds of pictures, smoothed over
five readings, and a track of the library that changes only when it is no longer among the nearest. The channels of a
film look at each stretch as at a film of its own. Frames are let go when they have been looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.pipeline.film.analyse import Watcher
from soundtrack.pipeline.film.watch import Heard, Sight
from soundtrack.types import (
    ByteArray,
    Clip,
    EmotionState,
    FloatArray,
    FrameBatch,
    SceneSheet,
    Shot,
    Span,
    Still,
    StillFormat,
    VideoInfo,
)
from soundtrack.video.opinions import pooled

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found
    from soundtrack.pipeline.library.opened import Library

EVERY_S = 1.0
"""From one reading to the next, in seconds of the pictures."""
SMOOTHED = 5
"""Readings whose mean evidence is shown."""
STAYS_WITHIN = 3
"""A track plays on as long as it is among this number of nearest ones."""
_NO_FINGERPRINT = "sha256:" + 64 * "0"


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What is seen at a moment."""

    time_s: float
    """End of the stretch, seconds since the first picture."""
    emotion: EmotionState
    """Mean evidence of the last readings."""
    embedding: FloatArray
    """Unit vector of the same in the space that pictures and music share, shape (D,)."""
    expressions: dict[str, float]
    """Shares of the expressions of faces and their ``clarity``; empty without a face or its networks."""
    faces: tuple[tuple[float, float, float, float], ...] = ()
    """Left, top, right and bottom of each face, as parts of the picture; for drawing, never written."""
    found: Found | None = None
    """The track that would play, if there is a library."""

    def top_expressions(self, n: int = 3) -> list[tuple[str, float]]:
        """The strongest expressions with their shares."""
        shares = [(name, share) for name, share in self.expressions.items() if name != "clarity"]
        return sorted(shares, key=lambda pair: -pair[1])[:n]


class LiveReader:
    """Reads the pictures of a camera.

    Parameters
    ----------
    watcher : Watcher
        With the networks.
    library : Library, optional
        Open, for the track that would play.
    with_places : bool
        Whether faces are placed, for drawing.
    """

    def __init__(self, watcher: Watcher, *, library: Library | None = None, with_places: bool = False) -> None:
        from soundtrack.video.clips import ClipSampler

        self._watcher, self._library, self._with_places = watcher, library, with_places
        setup = watcher.setup
        self._clip_s = setup.clips.n_frames / setup.clips.frame_rate_hz
        side_px = setup.clips.side_px if setup.stills is None else setup.stills.side_px
        self._setup = replace(setup, stills=StillFormat(self._clip_s, side_px))
        self._sampler = ClipSampler(
            n_frames=setup.clips.n_frames,
            frame_rate_hz=setup.clips.frame_rate_hz,
            stride_s=EVERY_S,
            side_px=setup.clips.side_px,
        )
        self._recent: deque[tuple[EmotionState, FloatArray]] = deque(maxlen=SMOOTHED)
        self._playing: Found | None = None

    def push(self, time_s: float, pixels: ByteArray) -> Clip | None:
        """Take the next picture; returns a stretch to `read` when one is complete."""
        from soundtrack.video.camera import squashed

        small = squashed(pixels, self._setup.clips.side_px)
        clips = self._sampler.push(FrameBatch(np.array([time_s]), small[None]))
        return self._with_still(clips[-1], pixels) if clips else None

    def still(self, pixels: ByteArray) -> Clip:
        """One picture as a stretch in which nothing moves."""
        from soundtrack.video.camera import squashed

        small = squashed(pixels, self._setup.clips.side_px)
        n = self._setup.clips.n_frames
        return self._with_still(Clip(Span(0.0, self._clip_s), np.broadcast_to(small, (n, *small.shape))), pixels)

    def read(self, clip: Clip) -> LiveReading:
        """What a stretch shows, with what was seen just before, and the track for it."""
        return self.with_track(self.look(clip))

    def with_track(self, reading: LiveReading) -> LiveReading:
        """A reading with the track that plays: the one before while it is among the nearest.

        To be called in the thread that opened the library; `look` may be called in another.
        """
        if self._library is None:
            return reading
        nearest = self._library.like_vector(reading.embedding, n=STAYS_WITHIN)
        playing = self._playing.track.track_id if self._playing is not None else None
        stays = [found for found in nearest if found.track.track_id == playing]
        self._playing = next(iter([*stays, *nearest]), None)
        return replace(reading, found=self._playing)

    def look(self, clip: Clip) -> LiveReading:
        """What a stretch shows, with what was seen just before, without a track."""
        sheet = self._sheet(clip)
        self._recent.append((sheet.scenes[0].emotion, sheet.readings[0].embedding))
        emotion, embedding = smoothed(self._recent)
        measures = {
            measure.name: measure.value
            for opinion in sheet.scenes[0].opinions
            if opinion.channel == "faces"
            for measure in opinion.measures
        }
        places: Sequence[tuple[float, float, float, float]] = ()
        if self._with_places:
            from soundtrack.emotion.faces.cascade import FOUND, found_places
            from soundtrack.emotion.faces.channel import face_places

            is_found = any(opinion.channel == FOUND for opinion in sheet.scenes[0].opinions)
            places = face_places(clip.stills[0]) if measures else found_places(clip.stills[0]) if is_found else ()
        return LiveReading(clip.span.end_s, emotion, embedding, measures, tuple(places))

    def _with_still(self, clip: Clip, pixels: ByteArray) -> Clip:
        from soundtrack.video.camera import squashed

        assert self._setup.stills is not None
        height, width = pixels.shape[:2]
        middle_s = (clip.span.start_s + clip.span.end_s) / 2
        return replace(clip, stills=(Still(middle_s, squashed(pixels, self._setup.stills.side_px), width / height),))

    def _sheet(self, clip: Clip) -> SceneSheet:
        """The sheet of a stretch, as of a film that is no longer."""
        span = Span(0.0, self._clip_s)
        alone = Clip(span, clip.frames, tuple(replace(still, time_s=self._clip_s / 2) for still in clip.stills))
        channels = self._watcher.picture_channels(self._setup)
        for channel in channels:
            channel.push([alone])
        evidence = tuple(channel.finish() for channel in channels)
        sight = Sight((Shot(0, span),), (span,), self._clip_s, (), evidence)
        side = self._setup.clips.side_px
        info = VideoInfo(Path("camera"), "camera", self._clip_s, Fraction(25), side, side, 0, 0, ())
        return self._watcher.sheet(info, sight, Heard(), _NO_FINGERPRINT)


def smoothed(recent: Sequence[tuple[EmotionState, FloatArray]]) -> tuple[EmotionState, FloatArray]:
    """Mean evidence of the last readings, as in a scene of a film, and the direction of their mean vector."""
    moods = [mood for mood, _ in recent]
    vector = np.sum([vector for _, vector in recent], axis=0)
    length = float(np.linalg.norm(vector))
    emotion = pooled(moods, [1 / len(moods)] * len(moods))
    return emotion, np.asarray(vector / length if length > 0 else recent[-1][1], np.float32)


def led_by_face(reading: LiveReading) -> tuple[float, float] | None:
    """Valence and arousal of a picture in which a face leads as far as it is clear; None without a face.

    The weight is the clarity of the face, by judgement: no rated portraits are at hand.
    """
    from soundtrack.emotion.faces.channel import PLANE

    if not reading.expressions:
        return None
    clarity = min(1.0, max(0.0, reading.expressions.get("clarity", 0.0)))
    shares = np.array([reading.expressions.get(name, 0.0) for name in PLANE])
    face = shares @ np.array(list(PLANE.values())) / max(float(shares.sum()), 1e-6)
    whole = np.array([reading.emotion.valence, reading.emotion.arousal])
    valence, arousal = np.clip(clarity * face + (1 - clarity) * whole, -1.0, 1.0)
    return float(valence), float(arousal)
