"""Rated stills and films from which the picture heads of the folds learn beside the labelled clips.

Goes in: a data folder as `soundtrack train video` takes it. Comes out: the `Rated` stills of its development
part with the rated films, seen through the same frozen networks as the clips, and the recipe that trained the included
head.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.errors import InputError, Reason
from soundtrack.evaluation import read
from soundtrack.evaluation.folds import FoldRecipe
from soundtrack.progress import Progress
from soundtrack.training.head_settings import BESIDE_STILLS, WORDED_WEIGHT
from soundtrack.training.picture.data import RatedStill, as_rated, rated_films, rated_stills, worded_stills
from soundtrack.training.rated import Rated
from soundtrack.training.stages import Arrays, blocks_named, by_name, kept, n_rows, state_of

if TYPE_CHECKING:
    from soundtrack.emotion.video_tower import VideoTower


def recipe_beside(
    data_dir: Path, tower: VideoTower, *, kept_in: Path | None = None, progress: Progress | None = None
) -> FoldRecipe:
    """How the included picture head was trained: beside the rated stills and worded photographs of a data folder.

    Parameters
    ----------
    data_dir : Path
        With ``oasis/ratings.csv``; photographs are rated by words where ``images/labels.csv`` and the lexicon are
        there, and rated films where ``rated-films`` is. Stills of the locked set are left out.
    tower : VideoTower
        Whose networks look; its head must read the channel of stills.
    kept_in : Path, optional
        Where what was seen is kept, so that an interrupted run need not look again.
    progress : callable, optional
        Called after each still.

    Raises
    ------
    InputError
        The folder has no rated stills.
    """
    by_people, by_words = rated_stills(data_dir), worded_stills(data_dir)
    if not by_people:
        raise InputError(
            f"{data_dir} has no rated stills",
            hint="use a folder with oasis/ratings.csv and its pictures, as `soundtrack train video` does",
            reason=Reason.EMPTY,
        )
    stills: Sequence[RatedStill] = [*by_people, *by_words]
    name = tower.model.entry.sha256 if tower.model else ""

    def look(path: Path) -> Arrays:
        return by_name("seen", read.picture_evidence(read.film_windows(path, tower), tower))

    parts = []
    for i, still in enumerate(stills):
        path = data_dir / still.file
        parts.append(kept(kept_in, (name, "still", *state_of(path)), partial(look, path)))
        if progress is not None:
            progress("stills", i + 1, len(stills))
    others, of_films = rated_films(data_dir), []
    for i, film in enumerate(others):
        path = data_dir / film.file
        of_films.append(kept(kept_in, (name, "rated film", *state_of(path)), partial(look, path)))
        if progress is not None:
            progress("rated films", i + 1, len(others))
    films = None
    if others:
        film_of = np.repeat(np.arange(len(others)), [n_rows("seen", part) for part in of_films])
        films = as_rated(others, blocks_named("seen", of_films), film_of)
    weights = [1.0] * len(by_people) + [WORDED_WEIGHT] * len(by_words)
    rated = Rated(
        blocks_named("seen", parts),
        valence=np.array([still.valence for still in stills], np.float32),
        arousal=np.array([still.arousal for still in stills], np.float32),
        weight=np.array(weights, np.float32),
        films=films,
    )
    return FoldRecipe(rated=rated, picture=BESIDE_STILLS)
