"""``soundtrack eval va --compare``: each channel alone, all together, and linear against stacked regression.

Goes in: what the frozen networks gave for rated files, and the files. Comes out: `Comparison`, a row for each way of
reading. Channels of features are read by a ridge regression that is fitted in each fold; words (title, lyrics,
subtitles) are read by their lexicon, which learned from none of the files, and only where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Block
from soundtrack.evaluation.plane import Array, PlaneReport, Rows, report
from soundtrack.progress import Progress, no_progress
from soundtrack.training.data import RatedFile, fold_of
from soundtrack.training.ridge import Penalties, predict_by_fold
from soundtrack.training.stacking import stacked_by_fold
from soundtrack.types import EmotionState
from soundtrack.yardsticks.bootstrap import json_number

ALL, STACK = "all channels, ridge", "all channels, stack"
LEAST_FILES = 5
"""With fewer files a row of words is left out."""
SHOWN = ("valence_r", "arousal_r", "valence_ccc", "arousal_ccc")
"""Numbers of the table."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `soundtrack eval va --compare` prints."""

    rows: Mapping[str, PlaneReport]
    """By the name of the way of reading; those of words are over the files that have any."""
    n: int
    """Rated files."""

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            name: {
                "n": found.n,
                **{key: json_number(found.numbers[key].value) for key in SHOWN},
                "intervals": {
                    key: [json_number(found.numbers[key].low), json_number(found.numbers[key].high)] for key in SHOWN
                },
            }
            for name, found in self.rows.items()
        }

    def lines(self) -> list[str]:
        """For people: the table, and which of the two regressions is better."""
        width = max(len(name) for name in self.rows)
        lines = ["".ljust(width) + "    files  " + "".join(key.ljust(24) for key in SHOWN).rstrip()]
        for name, found in self.rows.items():
            cells = "".join(str(found.numbers[key]).ljust(24) for key in SHOWN).rstrip()
            lines.append(f"{name.ljust(width)}  {found.n:7d}  {cells}")
        return [*lines, "", self.verdict()]

    def verdict(self) -> str:
        """Whether stacking beats ridge: in both valence and arousal, by r."""
        linear, stacked = self.rows[ALL].numbers, self.rows[STACK].numbers
        gains = {axis: stacked[f"{axis}_r"].value - linear[f"{axis}_r"].value for axis in ("valence", "arousal")}
        said = ", ".join(f"{axis} r {gain:+.3f}" for axis, gain in gains.items())
        better = "better" if all(gain > 0 for gain in gains.values()) else "not better in both"
        return f"Stacking is {better}: {said} against ridge."


def compare(
    rows: Rows,
    blocks: Sequence[Block],
    files: Sequence[RatedFile],
    rated: Array,
    *,
    words: Mapping[str, Sequence[EmotionState | None]],
    n_folds: int,
    seed: int = 0,
    n_draws: int = 500,
    progress: Progress = no_progress,
) -> Comparison:
    """Read rated files in every way.

    Parameters
    ----------
    rows : Rows
        What the network gave.
    blocks : sequence of Block
        Its channels, in the order of the columns.
    files : sequence of RatedFile
        The files.
    rated : ndarray, shape=(n, 2)
        Valence and arousal by people, in [-1, 1].
    words : mapping of str to sequence, length n
        What words say of each file, by channel; None where there are none.
    n_folds : int >= 2
        Folds by source.
    seed : int
        Of the folds.
    n_draws : int
        Of the bootstrap.
    progress : callable
        Called after each fold of the stack.
    """
    sources = [file.source_id for file in files]
    folds = np.asarray(fold_of(sources, n_folds=n_folds, seed=seed), np.int64)
    how = Penalties()

    def judged(predicted: Array, chosen: npt.NDArray[np.int64] | None = None) -> PlaneReport:
        at = np.arange(len(rated)) if chosen is None else chosen
        return report(rated[at], predicted[at], source_ids=[sources[i] for i in at], n_draws=n_draws)

    def ridge(inputs: npt.NDArray[np.float32], n_plain: int) -> PlaneReport:
        predicted = predict_by_fold(inputs, rated, file=rows.file, folds=folds, n_plain=n_plain, penalties=how)
        return judged(predicted)

    found: dict[str, PlaneReport] = {}
    first = 0
    for place, block in enumerate(blocks):
        columns = rows.inputs[:, first : first + block.dim]
        first += block.dim
        found[f"{block.channel.replace('-', ' ')} alone"] = ridge(
            columns, block.dim if place and not block.rooted else 0
        )
    texts = {name: _places(said) for name, said in words.items()}
    for name, table in texts.items():
        there = np.flatnonzero(np.isfinite(table[:, 0]))
        if len(there) >= LEAST_FILES:
            found[f"{name} alone"] = judged(np.clip(np.nan_to_num(table[:, :2]), -1, 1), there)
    found[ALL] = ridge(rows.inputs, rows.n_plain)
    counts = np.bincount(rows.file, minlength=len(rated))
    means = np.zeros((len(rated), rows.inputs.shape[1]))
    np.add.at(means, rows.file, rows.inputs.astype(np.float64))
    means /= counts[:, None]
    known = [np.nan_to_num(table) for table in texts.values() if np.isfinite(table).any()]
    stacked = stacked_by_fold(
        np.concatenate([means, *known], axis=1), rated, folds=folds, sources=sources, progress=progress
    )
    found[STACK] = judged(stacked)
    return Comparison(found, len(rated))


def _places(said: Sequence[EmotionState | None]) -> Array:
    """Valence, arousal and confidence of some states, NaN where there is none, shape (n, 3)."""
    rows = [(np.nan,) * 3 if its is None else (its.valence, its.arousal, its.confidence) for its in said]
    return np.array(rows, np.float64).reshape(-1, 3)


def words_of_music(files: Sequence[RatedFile]) -> dict[str, list[EmotionState | None]]:
    """What titles and lyrics say of files of music, by channel."""
    from types import SimpleNamespace
    from typing import Any

    from soundtrack.library.lyrics import read_lyrics
    from soundtrack.library.tags import read_header
    from soundtrack.naming.mood_words import title_mood

    found: dict[str, list[EmotionState | None]] = {"title words": [], "lyrics": []}
    # Folders and albums are left out: those of labelled data often name the label.
    for file in files:
        named: Any = SimpleNamespace(tags=replace(read_header(file.path).tags, album=None), path=Path(file.path.name))
        said = title_mood(named)
        found["title words"].append(None if said is None else said.emotion)
        text = read_lyrics(file.path)
        found["lyrics"].append(None if text is None else text.mood().emotion)
    return found


def words_of_films(files: Sequence[RatedFile]) -> dict[str, list[EmotionState | None]]:
    """What the subtitles in or beside films say, by channel; stills have none."""
    from soundtrack.evaluation.read import STILLS
    from soundtrack.media.reading.probe import probe
    from soundtrack.media.reading.subtitles import read_subtitles
    from soundtrack.naming.text_mood import text_mood

    said: list[EmotionState | None] = []
    for file in files:
        if file.path.suffix.lower() in STILLS:
            said.append(None)
            continue
        lines = read_subtitles(probe(file.path)).lines
        said.append(text_mood("\n".join(line.text for line in lines)).emotion if lines else None)
    return {"subtitles": said}
