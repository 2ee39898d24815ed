"""``soundtrack train video``: training of the picture side from beginning to end.

Goes in: a data folder (see `picture_data`) and a folder with the teachers. Comes out: a model folder with weights,
config and card, and the report. The stages leave their results in the output folder and are taken up where they
stopped: ``pass-N`` (views and the teachers' answers), ``student`` (distillation), ``clips`` (frames of labelled films).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from soundtrack.emotion.picture_head import picture_blocks
from soundtrack.errors import InputError, Reason
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.i3d import backbone, inflate
from soundtrack.networks.i3d_fused import FusedI3D, has_fast_bf16
from soundtrack.progress import Progress
from soundtrack.training.head_settings import BESIDE_STILLS, WORDED_WEIGHT, HeadSettings
from soundtrack.training.picture.clips import (
    FRAME_RATE_HZ,
    N_FRAMES,
    clip_features,
    read_stills,
    seen_in_films,
    seen_in_pictures,
    still_numbers,
    write_clips,
)
from soundtrack.training.picture.data import (
    RatedFilm,
    RatedStill,
    as_rated,
    groups,
    labelled_clips,
    rated_films,
    rated_stills,
    worded_stills,
)
from soundtrack.training.picture.distil import DistilSettings, distil, embeddings, held_out, scale_of
from soundtrack.training.picture.fit import fit_head
from soundtrack.training.picture.live import distil_live, live_settings, read_gallery
from soundtrack.training.picture.report import Films, PictureReport, card, learning_curve, measure
from soundtrack.training.picture.start import (
    LIMITS_OF_HEAD,
    WEIGHTS_LICENCE,
    PictureStart,
    facts_of_head,
    flattened,
    write_model,
)
from soundtrack.training.picture.teacher_networks import read_teachers
from soundtrack.training.picture.teachers import Pass, read_pass, write_pass
from soundtrack.training.rated import Rated, RatedFilms, Unrated, beside
from soundtrack.types import ByteArray, FloatArray
from soundtrack.video.visual_features import N_FILM

N_PASSES = 13
"""Views of every picture: the whole, six crops, six blends."""
N_GUESSED_PASSES = 3
"""How many of them the head learns valence and arousal from."""
LEAST_SOURCES = 2
"""Of labelled films: one to learn from, another to be judged on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Labelled films and rated stills through a network."""

    films: Films
    """Features by channel and labels of the films."""
    rated: Rated | None
    """Of the stills; None where there are none."""
    rated_sources: tuple[str, ...]
    """Theme of each still."""
    unrated: Unrated | None = None
    """Of stills without ratings; None where the teachers were not asked."""
    worded: Rated | None = None
    """Of photographs rated by words alone, for heads to learn from beside the rated stills; None without."""
    files: tuple[str, ...] = ()
    """File of each film."""
    start_s: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32), repr=False, compare=False)
    """Start of each clip in its film, in seconds."""


def look(
    network: FusedI3D,
    data_dir: Path,
    work_dir: Path,
    *,
    side_px: int,
    with_stills: bool = True,
    progress: Progress | None = None,
) -> Seen:
    """What all channels see of the labelled films and rated stills of a data folder; `with_stills` counts that one."""
    if len({film.source for film in labelled_clips(data_dir)}) < LEAST_SOURCES:
        raise InputError(
            f"{data_dir} has labelled films from fewer than {LEAST_SOURCES} sources",
            hint="use a table of films (file,class,source_id), or a folder with mved/labels.csv",
            reason=Reason.EMPTY,
        )
    store = write_clips(work_dir / "clips", data_dir=data_dir, side_px=side_px, progress=progress)
    rated = unrated = worded = None
    stills = rated_stills(data_dir)
    if stills:
        pictures = read_stills(stills, data_dir=data_dir, side_px=side_px)
        whole = work_dir / "pass-0"
        answers = read_pass(whole, side_px=side_px) if (whole / "done").is_file() else None
        unrated = None if answers is None else _unrated(network, _passes(work_dir, side_px=side_px))
        rated = _rated(network, stills, pictures, data_dir=data_dir, with_stills=with_stills)
        if answers is not None:
            rated = replace(rated, teachers=_said(answers, [still.file for still in stills]))
        elif with_stills and (plain := worded_stills(data_dir)):
            pictures = read_stills(plain, data_dir=data_dir, side_px=side_px)
            worded = _rated(network, plain, pictures, data_dir=data_dir, with_stills=with_stills)
            worded = replace(worded, weight=np.full(len(plain), WORDED_WEIGHT, np.float32))
        if with_stills and (others := rated_films(data_dir)):
            rated = replace(rated, films=_rated_films(network, others, work_dir, data_dir=data_dir, side_px=side_px))
    films = Films(
        features=picture_blocks(
            clip_features(network, store.frames),
            store.numbers,
            seen_in_films(store, data_dir=data_dir, progress=progress) if with_stills else None,
        ),
        film_of=np.array(store.film, np.int64),
        labels=tuple(film.label for film in store.films),
        sources=tuple(film.source for film in store.films),
    )
    return Seen(
        films,
        rated,
        tuple(still.source for still in stills),
        unrated=unrated,
        worded=worded,
        files=tuple(film.file for film in store.films),
        start_s=store.start_s.astype(np.float32),
    )


def _rated_films(
    network: FusedI3D, films: Sequence[RatedFilm], work_dir: Path, *, data_dir: Path, side_px: int
) -> RatedFilms:
    """Rated films through all channels."""
    store = write_clips(work_dir / "rated-clips", data_dir=data_dir, side_px=side_px, films=films)
    features = picture_blocks(
        clip_features(network, store.frames), store.numbers, seen_in_films(store, data_dir=data_dir)
    )
    return as_rated(films, features, np.array(store.film, np.int64))


def _rated(
    network: FusedI3D, stills: Sequence[RatedStill], pictures: ByteArray, *, data_dir: Path, with_stills: bool
) -> Rated:
    """Stills through all channels, with their ratings."""
    return Rated(
        features=picture_blocks(
            clip_features(network, pictures),
            still_numbers(pictures),
            seen_in_pictures(stills, data_dir=data_dir) if with_stills else None,
        ),
        valence=np.array([still.valence for still in stills], np.float32),
        arousal=np.array([still.arousal for still in stills], np.float32),
    )


def _said(answers: Pass, files: Sequence[str]) -> FloatArray:
    """The teachers' standardised embeddings of some files of the pass of whole pictures, shape (n, 2304)."""
    row_of = {picture.file: i for i, picture in enumerate(answers.pictures)}
    scale = scale_of(answers)
    rows = np.array([row_of[file] for file in files], np.int64)
    return np.asarray((embeddings(answers, rows) - scale.mean) / scale.deviation, np.float32)


def _passes(work_dir: Path, *, side_px: int) -> list[Pass]:
    """The first passes, those that are complete."""
    folders = [work_dir / f"pass-{k}" for k in range(N_GUESSED_PASSES)]
    return [read_pass(folder, side_px=side_px) for folder in folders if (folder / "done").is_file()]


def _unrated(network: FusedI3D, passes: Sequence[Pass]) -> Unrated:
    """Views of all stills that have no ratings; every pass standardised as the first."""
    scale = scale_of(passes[0])
    rows = np.array([i for i, p in enumerate(passes[0].pictures) if p.file.startswith("images/")], np.int64)
    views = [part.view[rows] for part in passes]
    said = [(embeddings(part, rows) - scale.mean) / scale.deviation for part in passes]
    return Unrated(
        features=picture_blocks(
            np.concatenate([clip_features(network, v, n_frames=1, batch=64) for v in views]),
            np.concatenate([still_numbers(v) for v in views]),
        ),
        teachers=np.concatenate(said).astype(np.float32),
    )


def network_of(state: dict[str, Tensor], *, width: float) -> FusedI3D:
    """An inference network from I3D weights."""
    model = backbone(width)
    model.load_state_dict({k: v.half().float() for k, v in state.items()}, strict=False)
    return FusedI3D(model.eval(), dtype=torch.bfloat16 if has_fast_bf16() else torch.float32)


def finish(
    state: dict[str, Tensor],
    data_dir: Path,
    out_dir: Path,
    *,
    settings: DistilSettings,
    head_settings: HeadSettings | None = None,
    models_folder: Path | None = None,
    name: str = "i3d-emotion",
    version: str = "1",
    facts: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    with_stills: bool = True,
    progress: Progress | None = None,
) -> PictureReport:
    """Measure I3D weights with heads that never saw what they answer, fit the last head on everything, write the model.

    Parameters
    ----------
    state : dict of name to Tensor
        I3D weights without classifier.
    data_dir, out_dir : Path
        Labelled films and rated stills; stages and report.
    models_folder : Path, optional
        Where the model goes; ``models`` in `out_dir` by default.
    facts : sequence of str, optional
        Lines on what the network is and learned from, instead of those of the embedded one.
    notes : sequence of str
        More lines for the card.
    with_stills : bool
        Teach the head the channel ``stills`` as well.
    """
    if head_settings is None and with_stills:
        head_settings = BESIDE_STILLS
    network = network_of(state, width=settings.width)
    seen = look(network, data_dir, out_dir, side_px=settings.side_px, with_stills=with_stills, progress=progress)
    measured = measure(
        seen.films,
        rated=seen.rated,
        rated_sources=seen.rated_sources,
        unrated=seen.unrated,
        worded=seen.worded,
        unseen=held_out(seen.films.sources),
        settings=head_settings,
    )
    head = measured.primary.calibration.of(
        fit_head(
            seen.films.features,
            seen.films.labels,
            seen.films.film_of,
            rated=beside(seen.rated, seen.worded),
            unrated=seen.unrated,
            settings=head_settings,
        )
    )
    folder = out_dir / "models" if models_folder is None else models_folder
    write_model(state, head, folder, settings=settings, name=name, version=version)
    curve = learning_curve(
        seen.films,
        rated=seen.rated,
        rated_sources=seen.rated_sources,
        unrated=seen.unrated,
        worded=seen.worded,
        settings=head_settings,
    )
    told = [*(_facts(settings) if facts is None else facts), *notes]
    text = card(measured.report, name=name, facts=told, limits=LIMITS if facts is None else LIMITS_OF_HEAD, curve=curve)
    write_text(folder / name / "card.md", text, kind=OWN, force=True)
    write_text(out_dir / "report.json", json.dumps(asdict(measured.report), indent=2) + "\n", kind=OWN, force=True)
    return measured.report


def train_picture(
    data_dir: Path,
    out_dir: Path,
    *,
    seed: int = DistilSettings().seed,
    teachers_dir: Path | None = None,
    settings: DistilSettings | None = None,
    models_folder: Path | None = None,
    init: PictureStart | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> PictureReport:
    """Teach, measure and write the picture network; a run that was broken off is taken up again, stage by stage.

    Parameters
    ----------
    data_dir : Path
        Pictures, labelled films and rated stills; with `init`, a table of labelled films will do.
    out_dir : Path
        Stages, report, and the model unless `models_folder` says otherwise.
    seed : int
        Of first weights and every random choice.
    teachers_dir : Path, optional
        The two TFLite networks; ``teachers`` in `data_dir` by default.
    settings : DistilSettings, optional
        Width, side, length.
    models_folder : Path, optional
        Where the model goes.
    init : PictureStart, optional
        Where to start. Without `teachers_dir` this network is kept as it is, and only its head is fitted again.
    device : {"cpu", "cuda"}
        On a GPU the teachers answer while the student learns (`picture_live`).
    progress : callable, optional
        Called with (stage, done, total).
    """
    how = replace(settings or DistilSettings(), seed=seed)
    if init is not None:
        how = replace(how, width=init.width)
    if init is not None and teachers_dir is None:
        how = replace(how, side_px=init.side_px)
        return finish(
            init.state,
            data_dir,
            out_dir,
            settings=how,
            models_folder=models_folder,
            facts=facts_of_head(init, data_dir, licence=WEIGHTS_LICENCE),
            with_stills=init.reads_stills,
            progress=progress,
        )
    teachers = data_dir / "teachers" if teachers_dir is None else teachers_dir
    folders = [out_dir / f"pass-{number}" for number in range(N_GUESSED_PASSES if device == "cuda" else N_PASSES)]
    for number, folder in enumerate(folders):
        write_pass(
            folder, data_dir=data_dir, teachers_dir=teachers, number=number, side_px=how.side_px, progress=progress
        )
    start = None if init is None else flattened(init.state)
    if device == "cuda":
        flat = distil_live(
            lambda: read_gallery(data_dir, progress=progress),
            lambda: read_teachers(teachers),
            out_dir / "student",
            settings=live_settings(how),
            group_of=groups(data_dir),
            init=start,
            progress=progress,
        )
    else:
        flat = distil(
            lambda: folders,
            out_dir / "student",
            settings=how,
            group_of=groups(data_dir),
            init=start,
            progress=progress,
        )
    return finish(
        inflate(flat, how="centre"), data_dir, out_dir, settings=how, models_folder=models_folder, progress=progress
    )


def _facts(settings: DistilSettings) -> list[str]:
    """What the network is and what it learned from."""
    return [
        f"I3D (Inception-v1 inflated, Carreira and Zisserman 2017) at {settings.width:g} of its width; a linear head "
        f"on its {1024 * settings.width:.0f} features, those of EfficientNet-Lite2 for stills, and {N_FILM} film "
        f"numbers. A clip is {N_FRAMES} frames of "
        f"{settings.side_px} x {settings.side_px} at {FRAME_RATE_HZ:g} Hz, {N_FRAMES / FRAME_RATE_HZ:g} s.",
        "Its 2D form learned, from nothing, to answer as two ImageNet networks do (MobileNet v1 and v2, Apache-2.0) on "
        "views of stills (Caltech-101, ImageNet samples, OASIS) and of frames of music videos and short films, whole, "
        "cut and blended; then it was inflated, kernels on their middle frame. None of the teachers' weights are in it."
        " One fifth of the films and themes, chosen by hash, were kept from it.",
        "The head learned classes from 100 music-video clips of 30 s (MVED, Pandeya and Lee; six classes), and valence "
        "and arousal from 640 OASIS stills (Kurdi, Lozano, Banaji 2017), from what the teachers, fitted to the same "
        "ratings, guess for unrated stills, and from the classes' places on the plane. The classes also "
        "learned from the ratings of the stills, each a small part of a film.",
        f"Licence of the weights: {WEIGHTS_LICENCE}, since some of what they learned from is for non-commercial use. "
        "The code is MIT.",
        f"To train it again: `soundtrack train video DATA --out FOLDER --seed {settings.seed}`.",
    ]


LIMITS = [
    "A hundred labelled clips, nearly all music videos: other kinds of film will give lower accuracy than measured.",
    "Labels were given to picture and sound together; the picture alone holds only part of them.",
    "The frames of four fifths of the measured films were among those the network learned to see from (without "
    "labels); the row on films it never saw is the cleaner one, and it is small.",
    "Mostly brightness, colour, movement and what kind of place or thing is seen; no faces, no story, no text.",
    "Valence and arousal come from stills, so that fast and slow movement count for little in them.",
    "The head's penalty and the film numbers' gain were chosen on these same films (twelve pairs, on an earlier "
    "student), which flatters the accuracy by a point or two; so were the weight of guessed ratings and the penalty "
    "beside them (eleven pairs, r of valence 0.32 to 0.39).",
    "Squashed to a square: very wide pictures look narrower than they are.",
]
