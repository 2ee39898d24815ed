"""What subtitles say, as a channel of a film's scenes: the mood of their words, and the times of speech.

Goes in: a scene sheet and the subtitles of its film. Comes out: the sheet in which the words of each scene count a
little, named `SUBTITLES` among its opinions, and in which their times are speech too.
"""

from __future__ import annotations

from dataclasses import replace

from soundtrack.media.reading.subtitles import Subtitles
from soundtrack.naming.text_mood import language_of, text_mood
from soundtrack.types import EmotionState, Opinion, Scene, SceneSheet, Span
from soundtrack.video.opinions import pooled

SUBTITLES = "subtitles"
"""Name of the channel, as `why` prints it."""
WEIGHT = 0.25
"""Weight of words that are surely of one mood, in the reading of their scene."""
_JOIN_S = 0.3


def with_subtitles(sheet: SceneSheet, subtitles: Subtitles) -> SceneSheet:
    """A scene sheet with what is said in it.

    Parameters
    ----------
    sheet : SceneSheet
        Of the picture and the sound.
    subtitles : Subtitles
        Without lines, only their warnings count. They are speech only in a film that has sound.
    """
    warnings = (*sheet.warnings, *subtitles.warnings)
    if not subtitles.lines:
        return replace(sheet, warnings=warnings)
    end_s = sheet.film.duration_s
    shown = [line for line in subtitles.lines if line.span.start_s < end_s]
    spoken = [Span(line.span.start_s, min(line.span.end_s, end_s)) for line in shown]
    speech = _union([*sheet.speech, *spoken]) if sheet.film.has_audio else sheet.speech
    language = language_of(" ".join(line.text for line in shown))
    scenes = []
    for scene in sheet.scenes:
        words = " \n".join(line.text for line in shown if line.span.overlap_s(scene.span) > 0)
        share = min(1.0, sum(span.overlap_s(scene.span) for span in speech) / max(scene.span.duration_s, 1e-9))
        scenes.append(_said(replace(scene, speech_share=share), text_mood(words, language=language).emotion))
    return replace(sheet, speech=speech, scenes=tuple(scenes), warnings=warnings)


def _said(scene: Scene, mood: EmotionState | None) -> Scene:
    """A scene whose reading words of a mood have a share in."""
    if mood is None:
        return scene
    weight = WEIGHT * mood.confidence
    emotion = pooled((scene.emotion, mood), (1.0 - weight, weight))
    others = tuple(replace(opinion, weight=opinion.weight * (1.0 - weight)) for opinion in scene.opinions)
    return replace(scene, emotion=emotion, opinions=(*others, Opinion(SUBTITLES, weight, mood)))


def _union(spans: list[Span]) -> tuple[Span, ...]:
    """Spans in order, those that overlap or nearly touch as one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start_s, one.end_s)):
        if joined and span.start_s <= joined[-1].end_s + _JOIN_S:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return tuple(joined)
