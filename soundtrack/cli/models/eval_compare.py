"""``soundtrack eval va --compare``: each channel alone, all together, and two kinds of regression."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.cli.options import DeviceName, device_name

if TYPE_CHECKING:
    from soundtrack.cli.models.eval_sets import Set


class Kind(StrEnum):
    """What a table of ratings is about."""

    AUTO = "auto"
    PICTURE = "picture"
    SOUND = "sound"


def hears_in(file: Path, kind: Kind) -> bool:
    """Whether a table is about sound, by --kind or by its first file."""
    from soundtrack.evaluation.plane import has_picture

    return kind is Kind.SOUND or (kind is Kind.AUTO and not has_picture(file))


def compare_channels(
    table: Path,
    *,
    scale: tuple[float, float],
    kind: Kind,
    group: str,
    which: "Set | None",
    folds: int,
    draws: int,
    model: str,
    device: DeviceName | None,
    json_: bool,
    quiet: bool,
) -> None:
    """Print how well each channel alone, all of them, and both kinds of regression read rated files.

    Files of the locked set are left out.
    """
    from soundtrack.cli import output
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower
    from soundtrack.errors import UsageError
    from soundtrack.evaluation import comparing, plane
    from soundtrack.evaluation.read import NoSpace
    from soundtrack.training.data import read_ratings
    from soundtrack.training.locked import Part
    from soundtrack.training.stacking import require_sklearn

    if folds < 2:
        raise UsageError("--compare requires --folds", hint="add --folds 5")
    if which is not None:
        raise UsageError("--compare cannot be used with --set", hint="leave --set out: the locked set is not compared")
    require_sklearn()
    files = read_ratings(table, group_column=group, part=Part.DEVELOPMENT)
    n_sources = len({file.source_id for file in files})
    if folds > n_sources:
        raise UsageError(f"{table} has {n_sources} sources, too few for {folds} folds", hint=f"use --folds {n_sources}")
    rated = plane.rescaled(files, low=scale[0], high=scale[1])
    where = device_name(device)
    with output.progress(quiet=quiet) as progress:
        if hears_in(files[0].path, kind):
            music = MusicTower.load(model, device=where, space=NoSpace())
            blocks, words = music.head.blocks, comparing.words_of_music(files)
            rows = plane.music_rows(files, music, progress=progress)
        else:
            video = VideoTower.load(model, device=where, space=NoSpace())
            blocks, words = video.config.head.blocks, comparing.words_of_films(files)
            rows = plane.picture_rows(files, video, progress=progress)
        found = comparing.compare(
            rows, blocks, files, rated, words=words, n_folds=folds, n_draws=draws, progress=progress
        )
    with output.product() as out:
        if json_:
            out.write(json.dumps({"n": found.n, "folds": folds, "rows": found.to_dict()}, indent=2) + "\n")
        else:
            out.write(f"{found.n} files, {folds} folds by source\n\n" + "\n".join(found.lines()) + "\n")
