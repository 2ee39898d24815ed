"""Facts of a cue beside its merit: tempo, key, distance from the picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from soundtrack.types import Cue, CueFacts, Scene, Span, Track


def cue_facts(cue: Cue, track: Track, scenes: Sequence[Scene]) -> CueFacts:
    """The facts of a cue.

    Parameters
    ----------
    cue : Cue
        With its sections.
    track : Track
        The one that it plays.
    scenes : sequence of Scene
        Of the whole film.

    Returns
    -------
    CueFacts
        Means over the length of the cue, as the networks read picture and music.
    """
    under = [(scene, scene.span.overlap_s(cue.span)) for scene in scenes]
    played = [
        (segment, segment.span.overlap_s(Span(section.track.start_s, section.track.end_s)))
        for section in cue.sections
        for segment in track.segments
    ]
    tempo_bpm = track.analysis.tempo_bpm
    return CueFacts(
        tempo_bpm=None if tempo_bpm is None else tempo_bpm * cue.speed,
        key=track.analysis.key,
        valence_apart=_mean([(s.emotion.valence, w) for s, w in played])
        - _mean([(s.emotion.valence, w) for s, w in under]),
        arousal_apart=_mean([(s.emotion.arousal, w) for s, w in played])
        - _mean([(s.emotion.arousal, w) for s, w in under]),
        speech_share=min(1.0, max(0.0, _mean([(s.speech_share, w) for s, w in under]))),
    )


def _mean(weighted: Sequence[tuple[float, float]]) -> float:
    """Mean of values by their weights; 0 of nothing."""
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total > 0 else 0.0
