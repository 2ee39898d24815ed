"""How strongly picture heads are held back, and how much each kind of material counts in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from soundtrack.emotion.picture_head import CUTTING, FILM_NUMBERS, OBJECTS


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How strongly the head is held back; chosen on the first features and kept since."""

    class_penalty: float = 333.0
    """L2 of the class weights beside the summed log-loss of the films."""
    class_gains: Mapping[str, float] = field(default_factory=lambda: {FILM_NUMBERS: 6.0})
    """By channel: how much its columns count beside those of the others, for the classes; 1 where none is named."""
    plane_penalty: float = 1000.0
    """L2 of the weights of valence and arousal beside the summed squared error."""
    plane_gains: Mapping[str, float] = field(default_factory=lambda: {FILM_NUMBERS: 6.0})
    """As `class_gains`, for valence and arousal."""
    teacher_penalty: float = 3000.0
    """The same for the teachers' embeddings."""
    unrated_weight: float = 1.0
    """Of a view with a guessed rating beside a still with a real one."""
    film_weight: float = 1.0
    """Of one film beside one still, for valence and arousal."""
    still_class_share: float = 0.0
    """Weight of a rated still, its class guessed from its rating, beside a film with a class; 0 leaves stills out."""
    valence_pull: float = 0.0
    """How strongly valence pulls at the classes (`pulled`); 0 leaves them alone."""
    outside_share: float = 0.0
    """How common pictures of another kind than the labelled films are taken to be, in [0, 1); 0: no `Domain`."""
    domain_penalty: float = 500.0
    """As `class_penalty`, for what distinguishes the labelled films from other pictures."""
    outside_class_penalty: float = 1000.0
    """As `class_penalty`, for moving pictures outside the domain; without rated films these have no weights."""
    outside_plane_penalty: float = 3000.0
    """As `plane_penalty`, for these."""
    outside_gains: Mapping[str, float] = field(default_factory=lambda: {FILM_NUMBERS: 6.0, OBJECTS: 3.0, CUTTING: 0.0})
    """As `class_gains`, for all that is learned for these."""
    outside_film_share: float = 0.3
    """Weight of a labelled film beside a rated one there, for the classes."""
    outside_still_share: float = 0.1
    """Weight of a rated still beside a rated film there."""
    outside_dark_share: float = 0.5
    """Weight of a dark rated film beside another one there: dark ones were looked for, and are rarer than that."""
    absent_share: float = 0.1
    """How much of the teaching goes without one of the channels, in [0, 1)."""


BESIDE_STILLS = HeadSettings(
    class_gains={FILM_NUMBERS: 6.0, OBJECTS: 0.0, CUTTING: 12.0},
    plane_penalty=10_000.0,
    plane_gains={OBJECTS: 3.0, CUTTING: 0.0},
    film_weight=2.0,
    still_class_share=0.03,
    valence_pull=4.0,
    outside_share=0.1,
)
"""Of a head that reads stills; docs/decisions.md says how each was chosen."""
WORDED_WEIGHT = 0.2
"""Of a photograph rated by the word for what it shows, beside a still that people rated."""
