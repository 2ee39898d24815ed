"""The conditions of a plan: what was asked of the music, as a cue sheet holds it for the next plan."""

from __future__ import annotations

from dataclasses import dataclass

from soundtrack.types.basics import Span
from soundtrack.types.emotion import EmotionState


@dataclass(frozen=True, slots=True)
class AskedMood:
    """A mood, or a request in words, for the film or a part of it."""

    text: str
    """As it was written, such as ``tense`` or ``hopeful, no drums``."""
    span: Span | None = None
    """Film clock; None for the whole film."""
    emotion: EmotionState | None = None
    """The mood that the text names; None for a request in words."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Options with which the music was selected, but for locks and silences; planning again uses the same."""

    only: tuple[str, ...] = ()
    """``--only``: tracks, artists, albums, genres, folders or playlists; empty for all music."""
    avoid: tuple[str, ...] = ()
    """``--avoid``: tracks, artists, albums, genres, folders or playlists."""
    licences: tuple[str, ...] = ()
    """``--license``: permitted licences; empty for any."""
    languages: tuple[str, ...] = ()
    """``--language``: permitted languages of the singing, as codes of ISO 639-1 or ``none``; empty for any."""
    no_explicit: bool = False
    """``--no-explicit``: whether tracks with explicit lyrics are left out."""
    allow_spoken: bool = False
    """``--allow-spoken``: whether spoken word may be used like music."""
    allow_vocals: bool = False
    """``--allow-vocals``: whether singing may lie under speech without a penalty."""
    duck_vocals: bool = False
    """``--duck-vocals``: whether vocals of the music are lowered further under speech."""
    track: str | None = None
    """``--track``: path of the one piece of music; None for the library."""
    theme: str | None = None
    """``--theme``: path or name of the track that opens and closes the music; None without one."""
    one_track: bool = False
    """``--one-track``: whether all cues come from one track."""
    loop: bool = False
    """``--loop``: whether one piece plays throughout and its end continues into its beginning."""
    max_cues: int | None = None
    """``--max-cues``: maximum number of cues; None for any number."""
    avoid_recent: int = 0
    """``--avoid-recent``: number of earlier films whose tracks are used only where plainly better."""
    density: str = "normal"
    """``--density``: how much of the film gets music: sparse, normal or full."""
    over_music: bool = False
    """``--over-music``: whether scenes that have music of their own may get a cue as well."""
    stretch: float = 0.0
    """``--stretch``: largest tempo change as a share of the tempo."""
    explore: float = 0.0
    """``--explore``: random variation, in [0, 1]."""
    hits_s: tuple[float, ...] = ()
    """``--hit``: moments for a climax of the music, film clock, in seconds."""
    moods: tuple[AskedMood, ...] = ()
    """``--mood`` and ``--like``, and moods and words of the review page."""
    lexicon: str | None = None
    """``--lexicon``: path of a word list; None without one."""
    subtitles: bool = True
    """``--subtitles``: whether the words of subtitles count."""
    faces: bool = True
    """``--faces``: whether faces are looked for."""
    face_weight: float = 0.0
    """``--face-weight``: share of a scene's mood that clear faces have, in [0, 1]."""
