"""Moods and requests in words of the scenes of a review, for the next plan."""

from __future__ import annotations

from dataclasses import replace

from soundtrack.errors import UsageError
from soundtrack.review.session import MoodWords, Step
from soundtrack.types import AskedMood

LONGEST_WORDS = 200
"""Characters of a mood in words."""


def with_mood(step: Step, place: int, words: str) -> Step:
    """The state with another mood for a scene; no words take it away.

    Raises
    ------
    UsageError
        There is no such scene, or a word is unknown.
    """
    from soundtrack.queries.vocabulary import is_request
    from soundtrack.spotting.merit.moods import mood

    scene = next((s for s in step.sheet.scenes if s.index == place), None)
    if scene is None:
        raise UsageError(f"unknown scene {place + 1}", hint="reload the page")
    emotion = mood(words) if words and not is_request(words) else None  # an unknown word is refused now
    others = tuple(m for m in step.moods if m.span != scene.span)
    return replace(step, moods=(*others, MoodWords(scene.span, words, emotion)) if words else others)


def asked_again(step: Step) -> tuple[AskedMood, ...]:
    """All moods and requests of the next plan: those of the page, and those of the sheet that belong to no scene."""
    own = tuple(AskedMood(m.text, m.span, m.emotion) for m in step.moods)
    held = () if step.sheet.conditions is None else step.sheet.conditions.moods
    spans = {scene.span for scene in step.sheet.scenes} | {m.span for m in own}
    return (*(m for m in held if m.span not in spans), *own)
