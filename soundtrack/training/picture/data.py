"""Pictures and clips for training the picture network, grouped by source.

Goes in: a data folder with any of ``images/`` (stills, `labels.csv` of what they show), ``oasis/`` (stills rated for
valence and arousal, `ratings.csv`), ``mved/`` (clips of six classes, `labels.csv`), ``video/`` (films without labels),
``lexica/`` (ratings of words) and ``rated-films/`` (films of `RATED_FILMS`); or one table of clips with a class. Comes
out: lists of `Picture`, `LabelledClip`, `RatedStill` and `RatedFilm`, and RGB arrays. Everything of one ``source``
stays on one side of every split. The locked set is left out unless it is asked for.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Blocks
from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.naming.norms import words_of_label
from soundtrack.training.data import read_labels
from soundtrack.training.locked import Part, unlocked
from soundtrack.training.rated import DARK_FROM, RatedFilms
from soundtrack.types import EMOTIONS, ByteArray

RATED_FILMS = Path(__file__).parent.parent / "rated_films.csv"
"""Films of all kinds from public repositories, rated from four frames each: name, use (learn or check), the class that
each rater gave, the raters' mean valence and arousal in [-1, 1], and where a file of which SHA-256 is found."""
FRAME_SIDE_PX = 224
"""Side of the squares that frames of films are squashed to before views are cut from them."""


N_OF_A_WORD = 6
"""Photographs of each label that are taken where the word is rated and the photographs are not."""
WORD_VALENCE, WORD_AROUSAL = 0.6, 0.4
"""How much of a word's rating its photographs get: spiders in photographs please more than the word, weddings less."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A still, or one frame of a film."""

    file: str
    """Path relative to the data folder."""
    source: str
    """Pictures of one source stay on one side of a split."""
    time_s: float | None = None
    """Moment in the film, in seconds; None for a still."""


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A film clip with one of the six classes."""

    file: str
    """Path relative to the data folder."""
    label: str
    """One of `EMOTIONS`."""
    source: str
    """Clips cut from one video share it."""


@dataclass(frozen=True, slots=True)
class RatedFilm(LabelledClip):
    """A film with a class by each of several raters, its label being that of most, and ratings."""

    labels: tuple[str, ...]
    """Class by each rater, each one of `EMOTIONS`."""
    valence: float
    """Mean of the raters, in [-1, 1]."""
    arousal: float
    """Mean of the raters, in [-1, 1]."""

    @property
    def dark(self) -> bool:
        """Whether it shows what is unpleasant: fires, crashes, fights, storms, grief."""
        return self.valence <= DARK_FROM

    @property
    def shares(self) -> list[float]:
        """Of the raters who gave each of `EMOTIONS`."""
        return [self.labels.count(emotion) / len(self.labels) for emotion in EMOTIONS]


@dataclass(frozen=True, slots=True)
class RatedStill:
    """A still with ratings of valence and arousal."""

    file: str
    """Path relative to the data folder."""
    valence: float
    """Mean rating, scaled to [-1, 1]."""
    arousal: float
    """Mean rating, scaled to [-1, 1]."""
    source: str
    """Numbered near-duplicates of one theme share it."""


def bucket_of(source: str, *, n_buckets: int = 5) -> int:
    """Fold of a source by its hash alone, in [0, n_buckets): the same on every machine and for every subset.

    Examples
    --------
    >>> bucket_of("Excited:14") == bucket_of("Excited:14")
    True
    """
    return int(hashlib.sha256(source.encode()).hexdigest()[:8], 16) % n_buckets


def rows_of_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV, empty where there is no such file."""
    if not path.exists():
        return []
    return list(csv.DictReader(io.StringIO(safe_read.read_text(path, most_bytes=safe_read.TABLE_BYTES), newline="")))


def root_of(data: Path) -> Path:
    """Where file names count from: a data folder itself, or the folder of a table."""
    return data.parent if data.is_file() else data


def labelled_clips(data_dir: Path, *, part: Part = Part.DEVELOPMENT) -> list[LabelledClip]:
    """Clips of ``mved/labels.csv``, or of the table that stands in for the folder, in the order of the file."""
    if data_dir.is_file():
        root = data_dir.parent
        return [
            LabelledClip(
                str(c.path.relative_to(root) if c.path.is_relative_to(root) else c.path), c.emotion, c.source_id
            )
            for c in read_labels(data_dir, part=part)
        ]
    clips = []
    for row in rows_of_table(data_dir / "mved" / "labels.csv"):
        if row["class"] not in EMOTIONS:
            raise InputError(
                f"{data_dir / 'mved' / 'labels.csv'}: unknown class {row['class']!r}",
                hint=f"use one of {', '.join(EMOTIONS)}",
                reason=Reason.BAD_FORMAT,
            )
        if part.takes(row["file"]):
            clips.append(LabelledClip(f"mved/{row['file']}", row["class"], f"mved/{row['source_id']}"))
    return clips


def rated_films(data_dir: Path, *, use: str = "learn") -> list[RatedFilm]:
    """Films of `RATED_FILMS` in ``rated-films/``, in the order of the table; none where there is no such folder.

    Parameters
    ----------
    data_dir : Path
        A data folder; ``benchmarks/rated_films.py`` fills ``rated-films`` from the repositories.
    use : str
        ``learn`` for what heads learn from, ``check`` for what is never learned from.

    Raises
    ------
    InputError
        The folder is there and a film is missing.
    """
    folder = data_dir / "rated-films"
    if not folder.is_dir():
        return []
    films = []
    for row in rows_of_table(RATED_FILMS):
        if row["use"] != use:
            continue
        file = f"{row['name']}.mp4"
        if not (folder / file).is_file():
            raise InputError(
                f"{folder} has no {file}",
                hint="make the films with `python benchmarks/rated_films.py`, or remove the folder",
                reason=Reason.EMPTY,
            )
        classes = tuple(row["classes"].split())
        films.append(
            RatedFilm(
                f"rated-films/{file}",
                max(classes, key=classes.count),
                row["repository"],
                classes,
                valence=float(row["valence"]),
                arousal=float(row["arousal"]),
            )
        )
    return films


def as_rated(films: Sequence[RatedFilm], features: Blocks, film_of: npt.NDArray[np.int64]) -> RatedFilms:
    """Rated films with what was seen of their clips."""
    return RatedFilms(
        features,
        film_of,
        shares=np.array([film.shares for film in films], np.float32).reshape(-1, len(EMOTIONS)),
        valence=np.array([film.valence for film in films], np.float32),
        arousal=np.array([film.arousal for film in films], np.float32),
    )


def rated_stills(data_dir: Path, *, part: Part = Part.DEVELOPMENT) -> list[RatedStill]:
    """Stills of ``oasis/ratings.csv`` with ratings scaled from 1..7 to [-1, 1], in the order of the file."""
    return [
        RatedStill(
            f"oasis/{row['file']}",
            (float(row["valence_mean"]) - 4.0) / 3.0,
            (float(row["arousal_mean"]) - 4.0) / 3.0,
            f"oasis/{row['theme_group']}",
        )
        for row in rows_of_table(data_dir / "oasis" / "ratings.csv")
        if part.takes(row["file"])
    ]


def word_ratings(table: Path) -> dict[str, tuple[float, float]]:
    """Valence and arousal of words in [-1, 1], from columns word, valence_mean, arousal_mean (1 to 9)."""
    return {
        row["word"].lower(): ((float(row["valence_mean"]) - 5.0) / 4.0, (float(row["arousal_mean"]) - 5.0) / 4.0)
        for row in rows_of_table(table)
    }


def rating_of(label: str, words: Mapping[str, tuple[float, float]]) -> tuple[float, float] | None:
    """The rating of the word for an object, or of its last part (``wolf_spider``: spider); None without one."""
    return next((words[word] for word in words_of_label(label) if word in words), None)


def worded_stills(data_dir: Path) -> list[RatedStill]:
    """Photographs of plain things, rated by how people rate the word for what they show.

    From ``images/labels.csv`` (file, set, label) and ``lexica/glasgow_norms_va.csv`` (word, valence_mean, arousal_mean,
    from 1 to 9): the first few of each label that is a rated word. A word says little about one photograph of it, so
    ratings are shrunk, and heads count them less. ImageNet's photographs are kept for ``benchmarks/everyday.py``.
    """
    words = word_ratings(data_dir / "lexica" / "glasgow_norms_va.csv")
    taken: dict[str, int] = {}
    out = []
    for row in rows_of_table(data_dir / "images" / "labels.csv"):
        known = rating_of(row["label"], words)
        if known is None or row["set"] == "imagenet" or taken.get(row["label"], 0) >= N_OF_A_WORD:
            continue
        taken[row["label"]] = taken.get(row["label"], 0) + 1
        file, source = f"images/{row['file']}", f"images/{row['label']}"
        out.append(RatedStill(file, WORD_VALENCE * known[0], WORD_AROUSAL * known[1], source))
    return out


def stills(data_dir: Path) -> list[Picture]:
    """All stills: rated ones first, then those without ratings, sorted by name."""
    rated = [Picture(still.file, still.source) for still in rated_stills(data_dir)]
    plain = sorted(
        p for p in unlocked((data_dir / "images").glob("*")) if p.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    return rated + [Picture(f"images/{path.name}", f"images/{path.name}") for path in plain]


def groups(data_dir: Path) -> dict[str, str]:
    """What each file's pictures are of: the film, the theme, or the object of ``images/labels.csv``."""
    rated = {still.file: still.source for still in rated_stills(data_dir)}
    objects = {
        f"images/{row['file']}": f"{row['set']}/{row['label']}"
        for row in rows_of_table(data_dir / "images" / "labels.csv")
    }
    return {**objects, **rated}


def films(data_dir: Path) -> list[Picture]:
    """All films as pictures without a moment: labelled clips first, then those of ``video/``, sorted by name."""
    labelled = [Picture(clip.file, clip.source) for clip in labelled_clips(data_dir)]
    suffixes = {".mp4", ".webm", ".mkv", ".mov"}
    plain = sorted(p for p in unlocked((data_dir / "video").glob("*")) if p.suffix.lower() in suffixes)
    return labelled + [Picture(f"video/{path.name}", f"video/{path.name}") for path in plain]


def read_still(path: Path) -> ByteArray:
    """RGB of a still, uint8, shape (height, width, 3)."""
    import cv2

    image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path} is not an image", hint="remove it from the folder", reason=Reason.NOT_MEDIA)
    return np.ascontiguousarray(image[:, :, ::-1])


def resize(image: ByteArray, side_px: int) -> ByteArray:
    """The picture squashed to a square, area-scaled where it shrinks, uint8, shape (side_px, side_px, 3)."""
    import cv2

    shrinks = image.shape[0] >= side_px and image.shape[1] >= side_px
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side_px, side_px), interpolation=method), dtype=np.uint8)


def frames_at(path: Path, *, side_px: int, rate_hz: float, first_s: float) -> Iterator[tuple[float, ByteArray]]:
    """Frames shown at ``first_s + k / rate_hz``, squashed to squares, with those moments in seconds.

    Parameters
    ----------
    path : Path
        A film.
    side_px : int > 0
        Side of the squares.
    rate_hz : float > 0
        How many moments a second.
    first_s : float >= 0
        The first moment.
    """
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        start_s: float | None = None
        wanted = 0
        last = None
        for frame in container.decode(stream):
            if frame.time is None:
                continue
            start_s = frame.time if start_s is None else start_s
            while last is not None and first_s + wanted / rate_hz < frame.time - start_s - 1e-6:
                yield first_s + wanted / rate_hz, _square(last, side_px)
                wanted += 1
            last = frame
        if last is not None and first_s + wanted / rate_hz <= (last.time or 0.0) - (start_s or 0.0) + 0.5 / rate_hz:
            yield first_s + wanted / rate_hz, _square(last, side_px)


def _square(frame: object, side_px: int) -> ByteArray:
    """One decoded frame as a square of RGB."""
    from av.video.frame import VideoFrame
    from av.video.reformatter import Interpolation

    assert isinstance(frame, VideoFrame)
    small = frame.reformat(width=side_px, height=side_px, format="rgb24", interpolation=Interpolation.AREA)
    return np.ascontiguousarray(small.to_ndarray())
