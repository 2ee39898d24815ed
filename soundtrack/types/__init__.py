"""Every type that crosses a stage: the tool's table of contents.

Goes in: nothing. Comes out: frozen dataclasses. Conventions: seconds carry the suffix ``_s`` and lie on the film's
clock unless the field says "track clock"; spans are half-open; levels are LUFS, dBTP, and differences dB or LU;
emotion is six class probabilities in the order of `EMOTIONS` plus valence and arousal in [-1, 1]. Types that go into a
document hold no arrays; vectors travel beside them, one row per scene or segment. ``None`` means unknown.
"""

from soundtrack.types.basics import (
    EMOTIONS,
    ByteArray,
    FloatArray,
    Span,
    TimeArray,
)
from soundtrack.types.emotion import (
    EmotionState,
    Reading,
    ReadingBatch,
)
from soundtrack.types.evidence import (
    Channel,
    Evidence,
    Medium,
    Opinion,
)
from soundtrack.types.film import (
    Clip,
    FilmNumbers,
    FrameBatch,
    Scene,
    Shot,
    StreamInfo,
    StreamKind,
    VideoInfo,
)
from soundtrack.types.music import (
    AudioInfo,
    BarTable,
    Candidate,
    Ending,
    Loudness,
    MusicAnalysis,
    Segment,
    SegmentHit,
    Tags,
    Term,
    Track,
)
from soundtrack.types.sheet import (
    Alternative,
    Cue,
    CueFacts,
    CueSheet,
    FilmRef,
    GainPoint,
    Landing,
    MixNotes,
    ModelRef,
    SceneSheet,
    Section,
    SheetTrack,
    Silence,
)

__all__ = [
    "EMOTIONS",
    "Alternative",
    "AudioInfo",
    "BarTable",
    "ByteArray",
    "Candidate",
    "Channel",
    "Clip",
    "Cue",
    "CueFacts",
    "CueSheet",
    "EmotionState",
    "Ending",
    "Evidence",
    "FilmNumbers",
    "FilmRef",
    "FloatArray",
    "FrameBatch",
    "GainPoint",
    "Landing",
    "Loudness",
    "Medium",
    "MixNotes",
    "ModelRef",
    "MusicAnalysis",
    "Opinion",
    "Reading",
    "ReadingBatch",
    "Scene",
    "SceneSheet",
    "Section",
    "Segment",
    "SegmentHit",
    "SheetTrack",
    "Shot",
    "Silence",
    "Span",
    "StreamInfo",
    "StreamKind",
    "Tags",
    "Term",
    "TimeArray",
    "Track",
    "VideoInfo",
]
