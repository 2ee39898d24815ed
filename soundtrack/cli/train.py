"""``soundtrack train``: make the networks again, or from other material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Device, Quiet, device_name

train_app = typer.Typer(help="Train the networks again, or on other material.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for stages, report and model.", show_default=False)]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of first weights and every random choice.")]


@train_app.command("video")
def video(
    data: Annotated[Path, typer.Argument(help="Folder with images/, oasis/, mved/, video/ (any of them).")],
    out: Out,
    teachers: Annotated[Path | None, typer.Option("--teachers", help="Folder of the two TFLite networks.")] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Views of every picture.")] = 36,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """The picture network: taught by ImageNet networks, inflated to an I3D, its head fitted on labelled clips.

    A run that was broken off goes on where it stopped.
    """
    from soundtrack.cli import output
    from soundtrack.training.picture import train_picture
    from soundtrack.training.picture_distil import DistilSettings

    _need_folder(data)
    with output.progress(quiet=quiet) as progress:
        train_picture(
            data, out, seed=seed, teachers_dir=teachers, settings=DistilSettings(epochs=epochs), progress=progress
        )
    output.say(f"wrote {out}", quiet=quiet)


@train_app.command("music")
def music(
    labels: Annotated[Path, typer.Argument(help="CSV of clips: file,class,source_id.", show_default=False)],
    out: Out,
    listen_to: Annotated[
        list[Path] | None, typer.Option("--listen", help="Folder of sound for the teacher's lessons; may be repeated.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option("--teacher", help="YAMNet's TFLite file; without it only the head is fitted.")
    ] = None,
    ratings: Annotated[Path | None, typer.Option("--ratings", help="CSV of music: file,valence,arousal.")] = None,
    group: Annotated[
        str, typer.Option("--group", help="Column of --ratings for pieces that belong together.")
    ] = "source_id",
    felt: Annotated[Path | None, typer.Option("--felt", help="CSV of music: file and nine shares of feelings.")] = None,
    init: Annotated[str | None, typer.Option("--init", help="Model to start from, such as mel-emotion.")] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Batches of teaching.")] = 6_000,
    seed: Seed = 0,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """The music network: taught by YAMNet, its head fitted on labelled and rated music.

    A run that was broken off goes on where it stopped.
    """
    from soundtrack.cli import output
    from soundtrack.emotion.music_tower import MODEL, MusicTower
    from soundtrack.errors import UsageError
    from soundtrack.training.music_distil import MusicDistilSettings
    from soundtrack.training.music_train import MusicTables, train_music

    if teacher is not None and not listen_to:
        raise UsageError("--teacher needs sound to listen to", hint="add --listen FOLDER")
    for folder in listen_to or []:
        _need_folder(folder)
    name = init or (None if teacher is not None else MODEL)
    start = MusicTower.load(name, device=device_name(device)) if name else None
    tables = MusicTables(labels=labels, ratings=ratings, ratings_group=group, felt=felt)
    with output.progress(quiet=quiet) as progress:
        train_music(
            listen_to or [],
            tables,
            out,
            teacher=teacher,
            init=start,
            settings=MusicDistilSettings(steps=steps, seed=seed),
            progress=progress,
        )
    output.say(f"wrote {out / 'models'}", quiet=quiet)


@train_app.command("space")
def space(
    material: Annotated[
        Path, typer.Argument(help="CSV of clips (file,class,source_id), or a folder of films with music.")
    ],
    out: Out,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """The joint space: where picture and music of one mood meet, for the networks in use."""
    from soundtrack.cli import output
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower
    from soundtrack.errors import InputError, Reason
    from soundtrack.evaluation import train_space
    from soundtrack.evaluation.labels import gather
    from soundtrack.training.data import read_labels

    where = device_name(device)
    video_tower, music_tower = VideoTower.load(device=where), MusicTower.load(device=where)
    with output.progress(quiet=quiet) as progress:
        if material.is_dir():
            films = train_space.films_in(material)
            if len(films) < 8:
                raise InputError(
                    f"{material} has {len(films)} films; at least 8 are needed",
                    hint="name a folder with more films that carry music",
                    reason=Reason.EMPTY,
                )
            fitted = train_space.space_of_films(films, video=video_tower, music=music_tower, progress=progress)
        else:
            fitted = train_space.space_of_labels(
                gather(read_labels(material), video=video_tower, music=music_tower, progress=progress)
            )
    train_space.write_space(fitted, out / "models")
    output.say(f"wrote {out / 'models'}", quiet=quiet)


def _need_folder(path: Path) -> None:
    """Refuse what is no folder."""
    from soundtrack.errors import InputError, Reason

    if not path.is_dir():
        raise InputError(f"{path} is no folder", hint="check the path", reason=Reason.MISSING)
