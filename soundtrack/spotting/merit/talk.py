"""Long speech in a film: where music may leave and return, and its mood there.

Goes in: the stretches of speech of the scene sheet. Comes out: times between sentences, the share of speech between
any two times, and the mood that is wanted under words. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, FloatArray, Span, TimeArray

BoolArray = npt.NDArray[np.bool_]

LONG_TALK_S = 15.0
"""From this length on talk gets a rest: music leaves after its first sentences."""
PAUSE_S = 2.5
"""Speech with shorter gaps is one talk."""

_HEAD_S = 12.0
"""Shortest time that music plays on into a talk before it leaves between two sentences."""
_LEAST_REST_S = 12.0
"""It does not leave for less than this."""
_PART_S, _BED_EVERY = 45.0, 3
"""Longer talks are divided into parts of this length; one part in this number may have a bed."""
APART_S = 3.0
"""Times nearer than this to a scene's start or end, or to each other, are left out."""
_SAME_S = 1e-3
"""Times closer than this are the same."""
_AFTER_S = 0.4
"""So long after the last word music comes back."""
_FIRST_WORD_S = 2.5
"""A talk belongs to the cut that comes at most so long before its first word."""
_NEXT_CUT_S = 20.0
"""After a talk, music waits for a cut that comes this soon instead of entering in the same shot."""
_WORD_ON_CUT_S = 0.3
"""Speech that starts or ends so near to a cut starts or ends with it."""
_ON_CUT_S = 0.1
"""An edge so near to a cut is on it."""
_BED_SHARE, _FULL_TALK = 0.7, 0.6
"""How far the wanted mood follows that of a bed where the words fill this share of a stretch."""
_SAYS_LITTLE = 0.5
"""From this share of the leading class on, Neutral draws the pictures of a talking film towards the bed."""
_TALKING = (0.24, 0.28)
"""From the first share of speech on a film becomes a talking film, which it is at the second."""
_SOME_TALK, _SLOW = (0.15, 0.18), (10.0, 6.0)
"""As a talking film counts one with the second share of speech or more and as few cuts a minute as the second."""
_BED = {"Relaxation": 0.5, "Neutral": 0.5}
"""What a bed under words is like: calm, and neither glad nor sad."""


def talks(speech: Sequence[Span]) -> list[Span]:
    """Long talks: speech joined over short pauses, `LONG_TALK_S` at least.

    Examples
    --------
    >>> talks([Span(0.0, 8.0), Span(9.0, 20.0), Span(40.0, 45.0)])
    [Span(start_s=0.0, end_s=20.0)]
    """
    joined: list[Span] = []
    for span in sorted(speech):
        if joined and span.start_s - joined[-1].end_s < PAUSE_S:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return [span for span in joined if span.duration_s >= LONG_TALK_S]


def _parts(talk: Span, ordered: Sequence[Span]) -> list[float]:
    """Ends of sentences that divide a long talk: after its opening, and then every `_PART_S`."""
    found: list[float] = []
    least_s = talk.start_s + _HEAD_S
    for span in ordered:
        if talk.start_s <= span.start_s and least_s <= span.end_s <= talk.end_s - _LEAST_REST_S:
            found.append(span.end_s)
            least_s = span.end_s + _PART_S
    return found


def rests(speech: Sequence[Span], marks_s: Sequence[float]) -> list[float]:
    """Times in and after long talks at which music may leave and come back, none inside a sentence.

    Parameters
    ----------
    speech : sequence of Span
        Film clock.
    marks_s : sequence of float
        Times that are there already, such as starts of scenes; none is made near one.

    Returns
    -------
    list of float
        In order.
    """
    found: list[float] = []
    ordered = sorted(speech)
    for talk in talks(ordered):
        for time_s in (*_parts(talk, ordered), talk.end_s + _AFTER_S):
            if all(abs(time_s - mark_s) >= APART_S for mark_s in (*marks_s, *found)):
                found.append(time_s)
    return sorted(found)


def talk_cuts(speech: Sequence[Span], cuts_s: Sequence[float]) -> list[float]:
    """The cuts with which long talks begin and end: music may leave there and return, whatever the picture's mood.

    Parameters
    ----------
    speech : sequence of Span
        Film clock.
    cuts_s : sequence of float
        Ascending.

    Returns
    -------
    list of float

    Examples
    --------
    >>> talk_cuts([Span(11.0, 30.0)], [4.0, 10.0, 20.0, 40.0])
    [10.0, 40.0]
    """
    found: list[float] = []
    for talk in talks(speech):
        before = [c for c in cuts_s if talk.start_s - _FIRST_WORD_S <= c <= talk.start_s + _WORD_ON_CUT_S]
        after = [c for c in cuts_s if talk.end_s - _WORD_ON_CUT_S <= c <= talk.end_s + _NEXT_CUT_S]
        found += [*before[-1:], *after[:1]]
    return found


def waiting(edges_s: TimeArray, speech: Sequence[Span], cuts_s: Sequence[float]) -> BoolArray:
    """At which edges music waits for the next cut, shape (n + 1,): where a long talk ends and a cut follows soon."""
    result = np.zeros(len(edges_s), np.bool_)
    for talk in talks(speech):
        over_s = talk.end_s + _AFTER_S
        if any(over_s + _ON_CUT_S < cut_s <= talk.end_s + _NEXT_CUT_S for cut_s in cuts_s):
            result |= np.abs(edges_s - over_s) < _SAME_S
    return result


def bedded(edges_s: TimeArray, speech: Sequence[Span], turns_s: TimeArray) -> BoolArray:
    """Which stretches of long talks may keep a bed, shape (n,): the opening, and every third part after it.

    A talk that begins with a turn to another mood opens without: what played before it ends on that cut.
    """
    result = np.zeros(len(edges_s) - 1, np.bool_)
    for talk in talks(speech):
        inside = np.flatnonzero((edges_s[1:] > talk.start_s + _ON_CUT_S) & (edges_s[:-1] < talk.end_s))
        if len(inside) > 1:
            result[inside[::_BED_EVERY]] = True
            result[inside[0]] = not (np.abs(turns_s - edges_s[inside[0]]) < _SAME_S).any()
    return result


def spoken_share(edges_s: TimeArray, speech: Sequence[Span]) -> FloatArray:
    """Share of each stretch with speech, shape (n,)."""
    ends = np.maximum(np.diff(edges_s), 1e-9)
    total = np.zeros(len(edges_s) - 1)
    for span in speech:
        total += np.clip(np.minimum(edges_s[1:], span.end_s) - np.maximum(edges_s[:-1], span.start_s), 0.0, None)
    return np.clip(total / ends, 0.0, 1.0).astype(np.float32)


def same_shot(speech: FloatArray, edges_s: TimeArray, cuts_s: TimeArray) -> FloatArray:
    """Share of speech of each stretch, or of a neighbour in the same shot where more is spoken, shape (n,).

    The picture of a talk is the same in its pauses.

    Parameters
    ----------
    speech : ndarray, shape=(n,), float32
    edges_s : ndarray, shape=(n + 1,), float64
    cuts_s : ndarray, shape=(k,), float64
        Starts of the shots.
    """
    shot = np.searchsorted(cuts_s, edges_s[:-1] + _ON_CUT_S, side="right")
    return np.array([speech[shot == own].max() for own in shot], np.float32)


def talking(share: float) -> float:
    """How far a film with this share of speech is one of talk, in [0, 1].

    Examples
    --------
    >>> talking(0.2), talking(0.5)
    (0.0, 1.0)
    """
    return float(np.clip((share - _TALKING[0]) / (_TALKING[1] - _TALKING[0]), 0.0, 1.0))


def talk_of(lengths_s: TimeArray, speech: FloatArray, cuts_per_min: FloatArray) -> float:
    """How far a film is one of talk, in [0, 1]: by its share of speech, a smaller one where it is cut slowly.

    Parameters
    ----------
    lengths_s : ndarray, shape=(n,), float64
        Of its stretches.
    speech, cuts_per_min : ndarray, shape=(n,), float32
        Share with speech, and cuts a minute.

    Examples
    --------
    >>> of = np.ones(1)
    >>> talk_of(of, 0.5 * of, 20 * of), talk_of(of, 0.2 * of, 4 * of), talk_of(of, 0.2 * of, 12 * of)
    (1.0, 1.0, 0.0)
    """
    total_s = max(float(lengths_s.sum()), 1e-9)
    share, pace = (float(x @ lengths_s) / total_s for x in (speech, cuts_per_min))
    some = float(np.clip((share - _SOME_TALK[0]) / (_SOME_TALK[1] - _SOME_TALK[0]), 0.0, 1.0))
    return max(talking(share), some * float(np.clip((_SLOW[0] - pace) / (_SLOW[0] - _SLOW[1]), 0.0, 1.0)))


def under_words(
    probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, speech: FloatArray, *, talk: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The wanted mood where words are spoken: drawn towards a bed, the further the more of a stretch they fill.

    A face that speaks moves, which a network takes for excitement; and what is said needs room. Valence stays as it
    was read by half, and music that is calmer than a bed stays as calm. In a film of talk the pictures between the
    words get the same bed where they say little: where Neutral leads, or has nearly the share of the class that does.

    Parameters
    ----------
    probabilities : ndarray, shape=(n, 6), float32
    valence, arousal, speech : ndarray, shape=(n,), float32
        Speech as a share.
    talk : float
        How far the film is one of talk, in [0, 1].
    """
    leading = np.maximum(probabilities.max(axis=1), 1e-9)
    plain = (probabilities[:, EMOTIONS.index("Neutral")] / leading - _SAYS_LITTLE) / (1 - _SAYS_LITTLE)
    share = _BED_SHARE * np.maximum(np.clip(speech / _FULL_TALK, 0.0, 1.0), talk * np.clip(plain, 0.0, 1.0))
    bed = np.array([_BED.get(name, 0.0) for name in EMOTIONS])
    place = bed @ np.array([CLASS_VALENCE_AROUSAL[name] for name in EMOTIONS])
    mixed = (1 - share[:, None]) * probabilities + share[:, None] * bed
    calmer = np.minimum(arousal, (1 - share) * arousal + share * place[1])
    nearer = valence + share / 2 * (place[0] - valence)
    return mixed.astype(np.float32), nearer.astype(np.float32), calmer.astype(np.float32)
