"""Clips of the labelled films as network input, and their features.

Goes in: a data folder. Comes out: memory-mapped stacks of frames with their film numbers, cut as the analysis cuts a
film (one clip every `stride_s`, the last padded with its last frame), and the pooled vectors of an I3D for them and for
rated stills shown as films in which nothing moves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from soundtrack.emotion.picture_head import CUTTING, OBJECTS, STILLS
from soundtrack.emotion.seen.derived import cutting_rows, object_rows
from soundtrack.emotion.seen.stills import FORMAT, rows_of_clips, rows_of_still
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.media.reading.probe import probe
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.progress import Progress
from soundtrack.training.picture.data import (
    LabelledClip,
    RatedStill,
    frames_at,
    labelled_clips,
    read_still,
    resize,
    root_of,
)
from soundtrack.types import ByteArray, Clip, FloatArray, Shot, Span, Still, TimeArray
from soundtrack.video.decode import iter_frames
from soundtrack.video.frames import DecodeReport
from soundtrack.video.shots import ShotDetector
from soundtrack.video.visual_features import N_FILM, clip_numbers

N_FRAMES = 16
"""Frames of a clip."""
FRAME_RATE_HZ = 8.0
"""Frames a second inside a clip."""
SHOTS_SIDE_PX = 128
"""Size of the frames in which shots are looked for; the detector makes them smaller still."""
UNCUT = Span(0.0, N_FRAMES / FRAME_RATE_HZ)
"""A clip of a still."""


@dataclass(frozen=True, slots=True)
class ClipStore:
    """All clips of some films; rows belong together."""

    films: tuple[LabelledClip, ...]
    """The films, in the order of their table."""
    film: tuple[int, ...]
    """Which film each clip was cut from, n of them, ascending."""
    start_s: TimeArray
    """Where each clip starts, in seconds, shape (n,)."""
    frames: ByteArray
    """RGB, shape (n, N_FRAMES, side, side, 3)."""
    numbers: FloatArray
    """Film numbers, shape (n, N_FILM)."""


def cut(frames: ByteArray) -> list[ByteArray]:
    """Clips of a film whose frames lie `FRAME_RATE_HZ` apart: touching stacks, the last padded; at least one."""
    if not len(frames):
        raise ValueError("the film has no frames")
    clips: list[ByteArray] = []
    for start in range(0, len(frames), N_FRAMES):
        part = frames[start : start + N_FRAMES]
        short = N_FRAMES - len(part)
        if short > N_FRAMES // 2 and clips:
            break
        clips.append(np.concatenate([part, np.repeat(part[-1:], short, axis=0)]) if short else part)
    return clips


def write_clips(
    folder: Path,
    *,
    data_dir: Path,
    side_px: int,
    films: Sequence[LabelledClip] | None = None,
    progress: Progress | None = None,
) -> ClipStore:
    """All clips of the labelled films, or of others; made in `folder` unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    films = labelled_clips(data_dir) if films is None else films
    if not (folder / "done").is_file():
        rows: list[tuple[int, float]] = []
        numbers: list[FloatArray] = []
        with (folder / "frames.bin").open("wb") as file:
            for i, film in enumerate(films):
                moments = frames_at(root_of(data_dir) / film.file, side_px=side_px, rate_hz=FRAME_RATE_HZ, first_s=0.0)
                for k, clip in enumerate(cut(np.stack([frame for _, frame in moments]))):
                    file.write(clip.tobytes())
                    rows.append((i, k * N_FRAMES / FRAME_RATE_HZ))
                    numbers.append(clip_numbers(clip))
                if progress is not None:
                    progress("clips", i + 1, len(films))
        np.save(folder / "numbers.npy", np.stack(numbers))
        write_text(folder / "rows.json", json.dumps(rows), kind=OWN, force=True)
        write_text(folder / "done", str(len(rows)), kind=OWN, force=True)
    rows = json.loads((folder / "rows.json").read_text())
    shape = (len(rows), N_FRAMES, side_px, side_px, 3)
    return ClipStore(
        films=tuple(films),
        film=tuple(int(i) for i, _ in rows),
        start_s=np.array([s for _, s in rows], np.float64),
        frames=np.memmap(folder / "frames.bin", np.uint8, "r", shape=shape),
        numbers=np.load(folder / "numbers.npy"),
    )


def read_stills(rated: Sequence[RatedStill], *, data_dir: Path, side_px: int) -> ByteArray:
    """Rated stills squashed to squares, shape (n, side_px, side_px, 3)."""
    return np.stack([resize(read_still(root_of(data_dir) / still.file), side_px) for still in rated])


def still_numbers(pictures: ByteArray) -> FloatArray:
    """Film numbers of stills, shape (n, N_FILM); nothing moves."""
    out = np.empty((len(pictures), N_FILM), np.float32)
    for i, picture in enumerate(pictures):
        out[i] = clip_numbers(picture[None])
    return out


def seen_in_films(store: ClipStore, *, data_dir: Path, progress: Progress | None = None) -> dict[str, FloatArray]:
    """What stills and cuts show in each clip of the labelled films, by channel, of shape (n, dim)."""
    film, rows, cutting = np.array(store.film), [], []
    for i, one in enumerate(store.films):
        path = root_of(data_dir) / one.file
        moments = frames_at(path, side_px=FORMAT.side_px, rate_hz=1 / FORMAT.every_s, first_s=FORMAT.every_s / 2)
        shown = [Still(time_s, picture) for time_s, picture in moments]
        if not shown:  # shorter than half a stretch
            shown = [Still(0.0, next(_first(path)))]
        clips = []
        for start_s in store.start_s[film == i].tolist():
            span = Span(start_s, start_s + N_FRAMES / FRAME_RATE_HZ)
            inside = tuple(still for still in shown if span.start_s <= still.time_s < span.end_s)
            clips.append(Clip(span, np.zeros((0, 0, 0, 3), np.uint8), inside))
        rows.append(rows_of_clips(clips, FORMAT)[STILLS])
        cutting.append(cutting_rows(shots_of(path), [clip.span for clip in clips]))
        if progress is not None:
            progress("stills", i + 1, len(store.films))
    stills = np.concatenate(rows)
    return {STILLS: stills, OBJECTS: object_rows(stills), CUTTING: np.concatenate(cutting)}


def shots_of(path: Path) -> list[Shot]:
    """The shots of a film, as its analysis finds them."""
    report, detector = DecodeReport(), ShotDetector()
    for batch in iter_frames(probe(path), side_px=SHOTS_SIDE_PX, report=report):
        detector.push(batch)
    return detector.finish(report.duration_s)


def _first(path: Path) -> Iterator[ByteArray]:
    """The first frame of a film as a still."""
    return (picture for _, picture in frames_at(path, side_px=FORMAT.side_px, rate_hz=FRAME_RATE_HZ, first_s=0.0))


def seen_in_pictures(rated: Sequence[RatedStill], *, data_dir: Path) -> dict[str, FloatArray]:
    """The same of rated stills, which have no cuts."""
    files = (root_of(data_dir) / still.file for still in rated)
    stills = np.concatenate([rows_of_still(resize(read_still(f), FORMAT.side_px))[STILLS] for f in files])
    return {STILLS: stills, OBJECTS: object_rows(stills), CUTTING: cutting_rows((), [UNCUT] * len(stills))}


def clip_features(network: FusedI3D, clips: ByteArray, *, n_frames: int = N_FRAMES, batch: int = 8) -> FloatArray:
    """Pooled vectors, shape (n, dim), of clips (n, frames, side, side, 3).

    Stills (n, side, side, 3) are shown for `n_frames`; one is enough while all kernels lie on their middle frame.
    """
    rows = []
    for start in range(0, len(clips), batch):
        part = np.array(clips[start : start + batch])
        if part.ndim == 4:
            part = np.repeat(part[:, None], n_frames, axis=1)
        x = torch.from_numpy(part).permute(0, 4, 1, 2, 3).float() / 127.5 - 1.0  # (n, 3, t, h, w)
        rows.append(network.features(x).numpy())
    return np.concatenate(rows)
