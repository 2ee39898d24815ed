"""Opinions of each channel about a scene or segment, in one line of plain words or as JSON.

Goes in: opinions. Comes out: text such as ``picture network: Tension 0.41, weight 0.62``.
"""

from __future__ import annotations

from collections.abc import Sequence

from soundtrack.types import EmotionState, Opinion


def top_line(emotion: EmotionState, *, n: int = 3) -> str:
    """The most probable classes of a reading with their probabilities, in one line.

    Examples
    --------
    >>> top_line(EmotionState((0.1, 0.0, 0.2, 0.1, 0.5, 0.1), 0.0, 0.0, 0.5))
    'Sad 0.50, Neutral 0.20, Excited 0.10'
    """
    return ", ".join(f"{name} {share:.2f}" for name, share in emotion.top(n))


def opinions_line(opinions: Sequence[Opinion]) -> str:
    """One line of what each channel says by itself; empty without opinions.

    Examples
    --------
    >>> from soundtrack.types import Measure
    >>> opinions_line([Opinion("colour-heat", 0.0, measures=(Measure("warmth", 0.314),))])
    'colour heat: warmth 0.31, not weighted'
    """
    return "; ".join(f"{opinion.channel.replace('-', ' ')}: {_said(opinion)}" for opinion in opinions)


def opinion_facts(opinion: Opinion) -> dict[str, object]:
    """An opinion as an object of JSON, numbers to three places.

    Examples
    --------
    >>> from soundtrack.types import Measure
    >>> opinion_facts(Opinion("colour-heat", 0.0, measures=(Measure("warmth", 0.3141),)))
    {'channel': 'colour-heat', 'weight': 0.0, 'measures': {'warmth': 0.314}}
    """
    facts: dict[str, object] = {"channel": opinion.channel, "weight": round(opinion.weight, 3)}
    if opinion.emotion is None:
        return facts | {"measures": {measure.name: round(measure.value, 3) for measure in opinion.measures}}
    mood = opinion.emotion
    return facts | {
        "mood": mood.label,
        "valence": round(mood.valence, 3),
        "arousal": round(mood.arousal, 3),
        "confidence": round(mood.confidence, 3),
    }


def _said(opinion: Opinion) -> str:
    """What one channel says."""
    if opinion.emotion is None:
        measures = [f"{measure.name.replace('_', ' ')} {measure.value:.2f}" for measure in opinion.measures]
        return ", ".join([*measures, "not weighted"])
    mood = opinion.emotion
    measures = [f"{measure.name.replace('_', ' ')} {measure.value:.2f}" for measure in opinion.measures]
    reading = f"{mood.label} {max(mood.probabilities):.2f}, valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f}"
    return ", ".join([reading, f"weight {opinion.weight:.2f}", *measures])
