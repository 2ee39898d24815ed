"""Moods and requests in words of the scenes of a review, for the next plan."""

from __future__ import annotations

from dataclasses import replace

from soundtrack.errors import UsageError
from soundtrack.review.session import MoodWords, Step

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
    if words and not is_request(words):
        mood(words)  # an unknown word is refused now and not by the plan
    others = tuple(m for m in step.moods if m.span != scene.span)
    return replace(step, moods=(*others, MoodWords(scene.span, words)) if words else others)
