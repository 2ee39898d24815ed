"""``soundtrack train``: train the networks, also on other material."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli import STYLE
from soundtrack.cli.options import Device, Quiet, device_name

app = typer.Typer(no_args_is_help=True, **STYLE)

Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="FOLDER",
        help="Output folder for stages, report and model; an earlier run is resumed.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]


@app.command("video")
def video(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="CSV of clips (file,class,source_id), or a folder with images/, oasis/, mved/, video/, rated-films/.",
            show_default=False,
        ),
    ],
    out: Out,
    teachers: Annotated[
        Path | None,
        typer.Option(
            "--teachers", metavar="FOLDER", help="Folder of the two TFLite teacher networks. Default: DATA/teachers."
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option("--init", help="Initial model; without --teachers only its head is trained."),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Number of training epochs.")] = None,
    width: Annotated[float | None, typer.Option("--width", help="Width of the network, 1/16 to 1.")] = None,
    side: Annotated[int | None, typer.Option("--side", min=32, max=512, help="Frame size, in pixels.")] = None,
    seed: Seed = 0,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Train the picture network: distilled from ImageNet networks, inflated to I3D, head trained on labelled clips.

    On a GPU: the included network (full width, 128 px, about ten minutes). On a CPU: a smaller network, over an hour.


    An interrupted run resumes where it stopped. With --init and without --teachers, only the head is trained.
    """
    from dataclasses import replace

    from soundtrack.cli import output
    from soundtrack.emotion.video_tower import DEFAULT_MODEL
    from soundtrack.errors import UsageError
    from soundtrack.evaluation.training_report import read_curve, write_report
    from soundtrack.networks.devices import choose_device
    from soundtrack.training.picture.distil import DistilSettings
    from soundtrack.training.picture.live import usual_on_gpu
    from soundtrack.training.picture.start import start_of
    from soundtrack.training.picture.train import train_picture

    _need(data)
    if teachers is not None:
        _need_folder(teachers)
        if data.is_file():
            raise UsageError("--teachers requires a data folder, not a table", hint="use a data folder")
    if width is not None and not 1 / 16 <= width <= 1:
        raise UsageError(f"--width {width:g} is not between 1/16 and 1", hint="use e.g. 0.5")
    if init is None and teachers is None and not (data / "teachers").is_dir():
        init = DEFAULT_MODEL
    where = choose_device(device_name(device))
    _claim(out)
    _say_held_back([data], quiet=quiet)
    usual = usual_on_gpu() if where == "cuda" else DistilSettings()
    side_px = side or usual.side_px
    settings = replace(
        usual,
        epochs=epochs or usual.epochs,
        width=width or usual.width,
        side_px=side_px,
        early_side_px=min(usual.early_side_px, side_px),
    )
    start = start_of(init) if init is not None else None
    with output.progress(quiet=quiet) as progress:
        report = train_picture(
            data, out, seed=seed, teachers_dir=teachers, settings=settings, init=start, device=where, progress=progress
        )
    curve = [] if start is not None and teachers is None else read_curve(out / "student" / "curve.jsonl")
    write_report(out, confusions={"picture": report.confusion}, curve=curve, over="epoch")
    _tell(out, "accuracy on held-out films", report.accuracy.value, quiet=quiet)


@app.command("music")
def music(
    labels: Annotated[
        Path, typer.Argument(metavar="TABLE", help="CSV of clips: file,class,source_id.", show_default=False)
    ],
    out: Out,
    listen_to: Annotated[
        list[Path] | None,
        typer.Option("--listen", metavar="FOLDER", help="Folder of audio for the teacher. Repeatable."),
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option("--teacher", help="YAMNet TFLite file; without it only the head is trained.")
    ] = None,
    musicnn: Annotated[
        Path | None,
        typer.Option("--musicnn", metavar="FILE", help="Second teacher: musicnn's weights (.npz), beside --teacher."),
    ] = None,
    ratings: Annotated[Path | None, typer.Option("--ratings", help="CSV of music: file,valence,arousal.")] = None,
    group: Annotated[
        str, typer.Option("--group", help="Column of --ratings that groups related pieces.")
    ] = "source_id",
    felt: Annotated[
        Path | None, typer.Option("--felt", help="CSV of music: file and nine shares of felt emotions.")
    ] = None,
    init: Annotated[str | None, typer.Option("--init", help="Initial model, e.g. mel-emotion.")] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Number of training batches.")] = 6_000,
    seed: Seed = 0,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Train the music network: distilled from YAMNet (and musicnn), head trained on labelled and rated music.

    An interrupted run resumes where it stopped.
    """
    from dataclasses import asdict

    from soundtrack.cli import output
    from soundtrack.emotion.music_tower import MODEL, MusicTower
    from soundtrack.errors import UsageError
    from soundtrack.evaluation.read import NoSpace
    from soundtrack.evaluation.training_report import write_report
    from soundtrack.training.music.distil import MusicDistilSettings
    from soundtrack.training.music.train import MusicTables, train_music

    if teacher is not None and not listen_to:
        raise UsageError("--teacher requires --listen", hint="add --listen FOLDER")
    if musicnn is not None and teacher is None:
        raise UsageError("--musicnn requires --teacher", hint="add --teacher FILE")
    for folder in listen_to or []:
        _need_folder(folder)
    _claim(out)
    _say_held_back([labels, *(table for table in (ratings, felt) if table), *(listen_to or [])], quiet=quiet)
    name = init or (None if teacher is not None else MODEL)
    start = MusicTower.load(name, device=device_name(device), space=NoSpace()) if name else None
    tables = MusicTables(labels=labels, ratings=ratings, ratings_group=group, felt=felt)
    with output.progress(quiet=quiet) as progress:
        trained = train_music(
            listen_to or [],
            tables,
            out,
            teacher=teacher,
            second=musicnn,
            init=start,
            settings=MusicDistilSettings(steps=steps, seed=seed),
            progress=progress,
        )
    confusions = {"sound": trained.report.confusion} if trained.report is not None else {}
    write_report(out, confusions=confusions, curve=[asdict(look) for look in trained.curve], over="step")
    accuracy = trained.report.accuracy.value if trained.report is not None else None
    _tell(out, "accuracy on held-out clips", accuracy, quiet=quiet)


@app.command("space")
def space(
    material: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="CSV of clips (file,class,source_id), or a folder of films with music.",
            show_default=False,
        ),
    ],
    out: Out,
    video_model: Annotated[str, typer.Option("--video", help="Picture model.")] = "i3d-emotion",
    music_model: Annotated[str, typer.Option("--music", help="Music model.")] = "mel-emotion",
    stills: Annotated[
        Path | None,
        typer.Option(
            "--stills",
            metavar="FOLDER",
            help="Folder with oasis/, images/ and rated-films/: the picture heads are also trained on its rated stills "
            "and films, as the included one was. Requires a CSV of clips.",
            show_default=False,
        ),
    ] = None,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Train the joint space of a picture and a music network.

    An interrupted run resumes where it stopped.
    """
    import json

    from soundtrack.cli import output
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower
    from soundtrack.errors import InputError, Reason
    from soundtrack.evaluation import labels as judging
    from soundtrack.evaluation import train_space
    from soundtrack.evaluation.rated_stills import recipe_beside
    from soundtrack.evaluation.read import NoSpace
    from soundtrack.evaluation.training_report import write_report
    from soundtrack.files.kinds import OWN
    from soundtrack.files.safe_write import write_text
    from soundtrack.training.data import read_labels
    from soundtrack.training.locked import Part

    _need(material)
    clips = read_labels(material) if material.is_file() else []
    apart = read_labels(material, part=Part.LOCKED) if clips else []
    films = [] if material.is_file() else train_space.films_in(material)
    _need_clips(stills, has_clips=bool(clips))
    n = len({clip.source_id for clip in clips}) or len(films)
    if n < train_space.LEAST_FILMS:
        raise InputError(
            f"{material} has {n} {'sources' if clips else 'films'}; at least {train_space.LEAST_FILMS} are needed",
            hint="use a folder with more films with music, or a longer table",
            reason=Reason.EMPTY,
        )
    where = device_name(device)
    _claim(out)
    _say_held_back([material], quiet=quiet)
    locked: judging.LabelsReport | None = None
    video_tower = VideoTower.load(video_model, device=where, space=NoSpace())
    music_tower = MusicTower.load(music_model, device=where, space=NoSpace())
    towers = {"video": video_tower.name, "music": music_tower.name}
    with output.progress(quiet=quiet) as progress:
        if clips:
            evidence = judging.gather(
                [*clips, *apart], video=video_tower, music=music_tower, kept_in=out / "read", progress=progress
            )
            recipe = recipe_beside(stills, video_tower, progress=progress) if stills is not None else None
            judged = judging.judge_both(evidence, n_apart=len(apart), recipe=recipe, progress=progress)
            found, locked = judged.folds, judged.locked
            fitted = train_space.space_of_labels(judged.learned, recipe=recipe)
            numbers, document = found.numbers, judged.to_dict()
            confusions = {"picture": found.confusion_video.tolist(), "sound": found.confusion_music.tolist()}
        else:
            pairs = train_space.read_films(
                films, video=video_tower, music=music_tower, kept_in=out / "read", progress=progress
            )
            numbers = train_space.judge_films(pairs)
            fitted = train_space.space_of_films(pairs)
            document, confusions = train_space.to_dict(pairs.n, numbers), {}
    how = train_space.HOW_LABELLED if clips else train_space.HOW_UNLABELLED
    train_space.write_space(
        fitted,
        out / "models",
        **towers,
        n=len(clips) or len(films),
        numbers=numbers,
        how=how,
        locked=locked.numbers if locked is not None else None,
    )
    write_text(out / "report.json", json.dumps(document, indent=2) + "\n", kind=OWN, force=True)
    write_report(out, confusions=confusions, curve=[], over="")
    _tell(out, "original track preferred to others", numbers["two_afc_true_track"].value, quiet=quiet)


def _claim(out: Path) -> None:
    """Make the folder of a run, or go on in that of an earlier one; refuse any other that holds files."""
    from soundtrack.files.kinds import TRAINING
    from soundtrack.files.safe_write import claim_folder

    text = '{"schema": "soundtrack.training/1"}\n'
    claim_folder(out, mark="training.json", text=text, kind=TRAINING, option="--out DIR")


def _say_held_back(material: list[Path], *, quiet: bool) -> None:
    """Say how many files are not learned from, since they are of the locked set."""
    from soundtrack.cli import output
    from soundtrack.training.data import count_locked

    n = sum(count_locked(path) for path in material)
    if n:
        output.say(
            f"{n} files of the locked set are excluded from training (docs/models.md, The locked set)", quiet=quiet
        )


def _need(path: Path) -> None:
    """Refuse what does not exist."""
    from soundtrack.errors import InputError, Reason

    if not path.exists():
        raise InputError(f"{path} does not exist", hint="check the path", reason=Reason.MISSING)


def _need_clips(stills: Path | None, *, has_clips: bool) -> None:
    """Refuse stills where no head is trained on labelled clips, and a folder that is none."""
    from soundtrack.errors import UsageError

    if stills is None:
        return
    if not has_clips:
        raise UsageError("--stills requires a CSV of clips", hint="omit --stills, or use a table of labelled clips")
    _need_folder(stills)


def _need_folder(path: Path) -> None:
    """Refuse what is not a folder."""
    from soundtrack.errors import InputError, Reason

    if not path.is_dir():
        raise InputError(f"{path} is not a folder", hint="check the path", reason=Reason.MISSING)


def _tell(out: Path, what: str, value: float | None, *, quiet: bool) -> None:
    """Say how good it is and where it lies."""
    from soundtrack.cli import output

    measured = "not measured: all clips have the same source" if value is None else f"{what}: {value:.3f}"
    output.say(f"{measured}; wrote {out}", quiet=quiet)
