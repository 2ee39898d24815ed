"""Who said what about a scene, in a line of plain words.

Goes in: the opinions of a scene. Comes out: text such as ``picture network: Tension 0.41, weight 0.62``.
"""

from __future__ import annotations

from collections.abc import Sequence

from soundtrack.types import Opinion


def opinions_line(opinions: Sequence[Opinion]) -> str:
    """One line of what each channel says by itself; empty without opinions.

    Examples
    --------
    >>> from soundtrack.types import Measure
    >>> opinions_line([Opinion("colour-heat", 0.0, measures=(Measure("warmth", 0.314),))])
    'colour heat: warmth 0.31, not weighed'
    """
    return "; ".join(f"{opinion.channel.replace('-', ' ')}: {_said(opinion)}" for opinion in opinions)


def _said(opinion: Opinion) -> str:
    """What one channel says."""
    if opinion.emotion is None:
        measures = [f"{measure.name.replace('_', ' ')} {measure.value:.2f}" for measure in opinion.measures]
        return ", ".join([*measures, "not weighed"])
    mood = opinion.emotion
    return (
        f"{mood.label} {max(mood.probabilities):.2f}, valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f}, "
        f"weight {opinion.weight:.2f}"
    )
