"""Report on an evaluation with folds and locked set: agreement, and the number of choices made.

Goes in: numbers with their intervals from the folds of the development part and from the locked set, which nothing was
learned from or chosen by. Comes out: one sentence for the first line of a report, and keys for its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping

from soundtrack.yardsticks.bootstrap import Interval, json_number

COMPARED = ("video_accuracy", "music_accuracy", "two_afc_emotion", "two_afc_true_track", "valence_r", "arousal_r")
"""Numbers that do not depend on how many files a set has."""
CHOSEN_INSIDE = ("temperature of the picture", "temperature of the sound", "weights of the joint space")
"""What every outer fold chooses by its inner folds alone."""
CHOSEN_BEFORE = {
    "penalty of the picture's classes and gain of the film numbers": 12,
    "weight and penalty of guessed ratings of stills": 11,
    "gain of felt emotions and of plain numbers for the sound's classes": 6,
    "share of the own sound in the joint space's target": 3,
}
"""What was settled earlier, with how many candidates, by folds over all labelled material, the locked set among it."""
CHOSEN_SINCE = {
    "weight of rated stills for the picture's classes, and how strongly valence pulls at them": 80,
    "how far valence and arousal carry the sound's classes": 32,
    "context of a stretch of music": 18,
    "mean over the clips of a film, of shares or of evidence": 2,
    "weights of rated films, by folds over these with the clips' folds beside them": 22,
    "what reads moving pictures unlike the clips, by folds over rated films": 110,
}
"""What was settled by folds of the development part alone, the locked set unseen."""


def differing(folds: Mapping[str, Interval], locked: Mapping[str, Interval]) -> list[str]:
    """Names of the numbers whose value on the locked set lies outside the folds' interval.

    Examples
    --------
    >>> differing({"valence_r": Interval(0.5, 0.4, 0.6)}, {"valence_r": Interval(0.3, 0.1, 0.5)})
    ['valence_r']
    """
    return [
        name
        for name in COMPARED
        if name in folds and name in locked and not folds[name].low <= locked[name].value <= folds[name].high
    ]


def verdict(folds: Mapping[str, Interval], locked: Mapping[str, Interval]) -> str:
    """One sentence on whether both sets say the same."""
    names = differing(folds, locked)
    if not names:
        return "Folds and locked set agree: no number of the locked set is outside the folds' interval."
    cells = [f"{name} {locked[name].value:.3f} (folds {folds[name]})" for name in names]
    return f"The locked set differs from the folds by more than their interval: {'; '.join(cells)}."


def choices(n_folds: int, n_seeds: int) -> dict[str, object]:
    """How many choices were made on the way, for the JSON of a report of classes."""
    inside = len(CHOSEN_INSIDE) * n_folds * n_seeds
    return {
        "inside_folds": inside,
        "of": list(CHOSEN_INSIDE),
        "settled_before": dict(CHOSEN_BEFORE),
        "settled_on_the_folds": dict(CHOSEN_SINCE),
    }


def choices_line(n_folds: int, n_seeds: int) -> str:
    """The same for people."""
    before = sum(CHOSEN_BEFORE.values())
    return (
        f"Choices: {len(CHOSEN_INSIDE) * n_folds * n_seeds} inside the folds ({', '.join(CHOSEN_INSIDE)}); "
        f"{len(CHOSEN_BEFORE)} settled before, among {before} candidates, on all labelled material; "
        f"{len(CHOSEN_SINCE)} among {sum(CHOSEN_SINCE.values())} candidates, by looking at these folds."
    )


def side_by_side(folds: Mapping[str, Interval], locked: Mapping[str, Interval]) -> list[str]:
    """A line for each number, with both sets."""
    width = max(len(name) for name in folds)
    lines = [f"{''.ljust(width)}  {'folds'.ljust(22)}  locked set"]
    for name, value in folds.items():
        lines.append(f"{name.ljust(width)}  {str(value).ljust(22)}  {locked.get(name, '')}")
    return lines


def differences(folds: Mapping[str, Interval], locked: Mapping[str, Interval]) -> dict[str, float | None]:
    """Locked set less folds, by name, for the JSON of a report."""
    return {n: json_number(locked[n].value - folds[n].value) for n in COMPARED if n in folds and n in locked}
