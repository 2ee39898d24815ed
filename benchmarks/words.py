"""What words alone say: rated sentences, dialogues of a series, and lyrics that a person called happy or sad.

Usage: python benchmarks/words.py FOLDER

The folder holds, as far as they are at hand, ``emobank.csv`` of EmoBank (Buechel and Hahn 2017; valence and arousal of
10,062 sentences by several people), ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv`` of MELD
(Poria et al. 2019; sentiment and emotion of each line of dialogues from a series), and ``train_lyrics_1000.csv`` and
``valid_lyrics_200.csv`` of MusicMood (Raschka 2014). Negations and exclamation marks in `soundtrack.naming.text_mood`
were chosen on the parts for training; the other parts are printed beside them. A dialogue takes the place of the
subtitles of a scene: its valence is the mean sentiment of its lines, its arousal the share of lines with anger, fear,
joy or surprise.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from soundtrack.naming.text_mood import text_mood
from soundtrack.types import EmotionState

SENTIMENTS = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
STRONG = ("anger", "fear", "joy", "surprise")
N_DRAWS = 1_000

Array = npt.NDArray[np.float64]
Pair = tuple[EmotionState | None, float, float]


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


def with_interval(measure: Callable[[Array, Array], float], found: Array, truth: Array) -> str:
    """A figure with its 95 % interval over texts."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(found), len(found)) for _ in range(N_DRAWS)]
    low, high = np.percentile([measure(found[i], truth[i]) for i in drawn], [2.5, 97.5])
    return f"{measure(found, truth):.3f} ({low:.3f} to {high:.3f})"


def correlation(found: Array, truth: Array) -> float:
    """Pearson's r."""
    return float(np.corrcoef(found, truth)[0, 1])


def area(found: Array, truth: Array) -> float:
    """Area under the ROC curve; truth is 0 or 1."""
    n_yes = truth.sum()
    ranks = rankdata(found)
    return float((ranks[truth == 1].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * (len(truth) - n_yes)))


def say(name: str, pairs: Sequence[Pair]) -> None:
    """One line: how many texts have enough rated words, and r of valence and arousal."""
    read = [(mood.valence, mood.arousal, valence, arousal) for mood, valence, arousal in pairs if mood is not None]
    table = np.array(read)
    valence = with_interval(correlation, table[:, 0], table[:, 2])
    arousal = with_interval(correlation, table[:, 1], table[:, 3])
    print(f"{name}: {len(read)} of {len(pairs)} texts, r of valence {valence}, of arousal {arousal}")


def dialogues(rows: Sequence[dict[str, str]]) -> list[Pair]:
    """Dialogues with their mean sentiment and the share of strong lines."""
    lines: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        lines[row["Dialogue_ID"]].append(row)
    return [
        (
            text_mood("\n".join(row["Utterance"] for row in said), language="en").emotion,
            float(np.mean([SENTIMENTS[row["Sentiment"]] for row in said])),
            float(np.mean([row["Emotion"] in STRONG for row in said])),
        )
        for said in lines.values()
    ]


def main() -> None:
    """Print a line for each table that is there."""
    parser = argparse.ArgumentParser(description="What words alone say")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    if (path := folder / "emobank.csv").is_file():
        for name, kept in (("chosen on", True), ("kept apart", False)):
            rows = [row for row in rows_of(path) if (row["split"] == "train") is kept]
            moods = [text_mood(row["text"], language="en").emotion for row in rows]
            truth = [(float(row["V"]), float(row["A"])) for row in rows]
            say(f"sentences, {name}", [(mood, *place) for mood, place in zip(moods, truth, strict=True)])
    for name, parts in (("chosen on", ["train"]), ("kept apart", ["dev", "test"])):
        tables = [folder / f"{part}_sent_emo.csv" for part in parts]
        if all(table.is_file() for table in tables):
            say(f"dialogues, {name}", [pair for table in tables for pair in dialogues(rows_of(table))])
    for name, file in (("chosen on", "train_lyrics_1000.csv"), ("kept apart", "valid_lyrics_200.csv")):
        if (path := folder / file).is_file():
            said = [(text_mood(row["lyrics"]), row["mood"] == "happy") for row in rows_of(path)]
            read = [(mood.emotion.valence, mood.coverage, happy) for mood, happy in said if mood.emotion is not None]
            table = np.array(read, np.float64)
            english = np.mean([mood.language == "en" for mood, _ in said])
            print(
                f"lyrics, {name}: {len(read)} of {len(said)} songs, happy against sad by valence: AUC "
                f"{with_interval(area, table[:, 0], table[:, 2])}; words rated {table[:, 1].mean():.2f}, "
                f"language English {english:.3f}"
            )


if __name__ == "__main__":
    main()
