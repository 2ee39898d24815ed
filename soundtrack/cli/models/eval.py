"""``soundtrack eval``: evaluate the networks on labelled files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli import STYLE
from soundtrack.cli.models.eval_answers import answers
from soundtrack.cli.models.eval_compare import Kind, compare_channels, hears_in
from soundtrack.cli.models.eval_faces import faces
from soundtrack.cli.models.eval_playlists import playlists
from soundtrack.cli.models.eval_sets import Set, Which, apart_of, asked_of, lines_of, part_of, taught_note, write_sets
from soundtrack.cli.options import Device, Force, Quiet, device_name
from soundtrack.naming.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower
    from soundtrack.evaluation.labels import LabelsReport
    from soundtrack.yardsticks.bootstrap import Interval

app = typer.Typer(no_args_is_help=True, **STYLE)

Table = Annotated[
    Path, typer.Argument(metavar="TABLE", help="CSV table; file names are relative to its folder.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Folds = Annotated[
    int,
    typer.Option(
        "--folds",
        min=0,
        max=20,
        help="Number of cross-validation folds by source; 0 evaluates the models as they are.",
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, max=20, help="Number of fold assignments to average.")]
Plot = Annotated[Path | None, typer.Option("--plot", help="Also write a plot (.png).")]
Draws = Annotated[
    int, typer.Option("--draws", min=1, max=100_000, help="Number of bootstrap samples for the intervals.")
]

Stills = Annotated[
    Path | None,
    typer.Option(
        "--stills",
        metavar="FOLDER",
        help="Folder with oasis/, images/ and rated-films/: with --folds, picture heads are also trained on its rated "
        "stills and films, as the included one was.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Option("--model", help="Joint space to evaluate; see `soundtrack models list`.")]


@app.command("labels")
def labels(
    table: Table,
    json_: Json = False,
    folds: Folds = 0,
    which: Which = None,
    stills: Stills = None,
    seeds: Seeds = 4,
    plot: Plot = None,
    force: Force = False,
    draws: Draws = 500,
    confusion: Annotated[
        bool,
        typer.Option("--confusion", help="Also print confusion matrices, and with fear and tension as one class."),
    ] = False,
    model: Model = "joint-space",
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate classification and retrieval on labelled clips.

    Table columns: file, class and, if clips share a source, source_id. --folds 5 with --stills reproduces the figures
    of the model cards: heads and joint space are trained per fold, the networks stay frozen. Clips of the locked set
    are evaluated with heads and a space trained on all other clips. Two-alternative figures named merit use the merit
    of the selection, the others the plain cosine similarity. A calibration error is as small as it can be with so few
    clips where it equals the figure "by chance".
    """
    from soundtrack.cli import output
    from soundtrack.config import load_config
    from soundtrack.evaluation import labels as evaluation
    from soundtrack.evaluation import two_sets
    from soundtrack.evaluation.rated_stills import recipe_beside
    from soundtrack.training.data import read_labels
    from soundtrack.yardsticks import plot as plotting

    _check_stills(stills, folds=folds)
    clips = read_labels(table, part=part_of(which, folds=folds))
    apart = apart_of([clip.path for clip in clips], which, table)
    merit = load_config().merit
    _check_plot(plot, [table, *(clip.path for clip in clips)], force=force)
    video, music = _towers(model, device_name(device), fresh_space=folds > 0)
    dealt = tuple(range(seeds)) if folds else ()
    asked: dict[Set, evaluation.LabelsReport] = {}
    with output.progress(quiet=quiet) as progress:
        if folds:
            _check_folds(
                folds, {clip.source_id for clip, hidden in zip(clips, apart, strict=True) if not hidden}, table
            )
            recipe = recipe_beside(stills, video, progress=progress) if stills is not None else None
            evidence = evaluation.gather(clips, video=video, music=music, progress=progress)
            for name in asked_of(which, apart):
                rows = evidence.only(apart if name is Set.LOCKED else ~apart)
                reads = evaluation.cross_reads(
                    evidence if name is Set.LOCKED else rows,
                    recipe=recipe,
                    merit=merit,
                    n_folds=folds,
                    seeds=dealt,
                    apart=apart if name is Set.LOCKED else None,
                    progress=progress,
                )
                asked[name] = evaluation.report(
                    reads, classes=rows.classes, source_ids=rows.sources, seeds=dealt, n_draws=draws
                )
        else:
            reads = [evaluation.read_as_is(clips, video=video, music=music, merit=merit, progress=progress)]
            sources = [clip.source_id for clip in clips]
            asked[which or Set.FOLDS] = evaluation.report(
                reads, classes=evaluation.class_numbers(clips), source_ids=sources, n_draws=draws
            )
    found = next(iter(asked.values()))
    if plot is not None:
        plotting.confusion_matrices(
            {"picture": found.confusion_video, "sound": found.confusion_music}, plot, force=force
        )
    notes = [*taught_note(apart, (video.model, music.model), folds=folds)]
    document = found.to_dict()
    if folds:
        notes.append(two_sets.choices_line(folds, seeds))
        document["choices"] = two_sets.choices(folds, seeds)
    title = f"{found.n} clips from {found.n_sources} sources"
    parts = ["\n".join(_ablation(report.ablation)) for report in asked.values()]
    if confusion:
        parts += [text for report in asked.values() for text in _confusions(report, document)]
    further = "\n\n".join(parts)
    write_sets(document, asked, title, json_=json_, notes=notes, further=further)


@app.command("va")
def va(
    table: Table,
    json_: Json = False,
    scale: Annotated[tuple[float, float], typer.Option("--scale", help="Lowest and highest rating.")] = (-1.0, 1.0),
    kind: Annotated[Kind, typer.Option("--kind", help="Model to evaluate; auto: by file extension.")] = Kind.AUTO,
    group: Annotated[str, typer.Option("--group", help="Column that groups related files.")] = "source_id",
    folds: Folds = 0,
    which: Which = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Compare each channel alone, and ridge with stacked regression; needs --folds."),
    ] = False,
    plot: Plot = None,
    force: Force = False,
    draws: Draws = 500,
    model: Model = "joint-space",
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate valence and arousal on rated stills, films or music.

    The table has columns file, valence and arousal. --compare reads by each channel alone (networks, plain numbers,
    words of titles, lyrics or subtitles), by all of them with ridge regression, and by stacked trees.
    """
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.evaluation import plane as evaluation
    from soundtrack.training.data import read_ratings
    from soundtrack.yardsticks import plot as plotting

    low, high = scale
    if not low < high:
        raise UsageError(f"--scale {low:g} {high:g} is empty", hint="give the lowest rating first")
    if compare and plot is not None:
        raise UsageError("--compare cannot be used with --plot", hint="leave out one of the two")
    if compare:
        compare_channels(
            table,
            scale=(low, high),
            kind=kind,
            group=group,
            which=which,
            folds=folds,
            draws=draws,
            model=model,
            device=device,
            json_=json_,
            quiet=quiet,
        )
        return
    files = read_ratings(table, group_column=group, part=part_of(which, folds=folds))
    apart = apart_of([file.path for file in files], which, table)
    _check_plot(plot, [table, *(file.path for file in files)], force=force)
    groups = [file.source_id for file in files]
    rated = evaluation.rescaled(files, low=low, high=high)
    hears = hears_in(files[0].path, kind)
    name = device_name(device)
    video: VideoTower | None = None
    music: MusicTower | None = None
    if hears:
        music = _music(model, name, fresh_space=folds > 0)
    else:
        video = _video(model, name, fresh_space=folds > 0)
    with output.progress(quiet=quiet) as progress:
        if folds:
            _check_folds(folds, {g for g, hidden in zip(groups, apart, strict=True) if not hidden}, table)
            if music is not None:
                rows = evaluation.music_rows(files, music, progress=progress)
            else:
                assert video is not None
                rows = evaluation.picture_rows(files, video, progress=progress)
            predicted = evaluation.read_by_fold(rows, rated, groups, n_folds=folds, apart=apart)
        else:
            predicted = evaluation.read_as_is(files, video=video, music=music, progress=progress)
    asked: dict[Set, evaluation.PlaneReport] = {}
    for part in asked_of(which, apart) if folds else [which or Set.FOLDS]:
        chosen = (apart == (part is Set.LOCKED)).nonzero()[0] if folds else range(len(files))
        asked[part] = evaluation.report(
            rated[list(chosen)], predicted[list(chosen)], source_ids=[groups[i] for i in chosen], n_draws=draws
        )
    found = next(iter(asked.values()))
    if plot is not None:
        plotting.plane(found.rated, found.read, plot, force=force)
    tower = music if music is not None else video
    assert tower is not None
    notes = taught_note(apart, (tower.model,), folds=folds)
    title = f"{found.n} files in {found.n_sources} groups"
    write_sets(found.to_dict(), asked, title, json_=json_, notes=notes)


@app.command("moments")
def moments(
    table: Table,
    json_: Json = False,
    per_track: Annotated[
        int, typer.Option("--per-track", min=2, max=100, help="Number of clips joined to one track.")
    ] = 4,
    folds: Folds = 0,
    seeds: Seeds = 4,
    draws: Draws = 500,
    model: Model = "joint-space",
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate the retrieval of the original music of clips within longer tracks.

    Clips are assigned to tracks per seed. With --folds 5, heads and joint space are trained per fold and
    clips of the locked set are excluded.
    """
    from soundtrack.cli import output
    from soundtrack.evaluation.labels import gather
    from soundtrack.evaluation.moments import measure as evaluation
    from soundtrack.evaluation.moments.read import likeness_as_is, likeness_by_fold
    from soundtrack.training.data import read_labels
    from soundtrack.training.locked import Part

    clips = read_labels(table, part=Part.DEVELOPMENT if folds else Part.ALL)
    sources = [clip.source_id for clip in clips]
    video, music = _towers(model, device_name(device), fresh_space=folds > 0)
    with output.progress(quiet=quiet) as progress:
        if folds:
            _check_folds(folds, set(sources), table)
            evidence = gather(clips, video=video, music=music, progress=progress)
            seen = [likeness_by_fold(evidence, n_folds=folds, seed=seed) for seed in range(seeds)]
        else:
            seen = [likeness_as_is(clips, video=video, music=music, progress=progress)] * seeds
    laid = [
        evaluation.lay_out(s.starts_s, s.ends_s, s.clip, source_ids=sources, per_track=per_track, seed=seed)
        for seed, s in enumerate(seen)
    ]
    found = evaluation.report([s.values for s in seen], laid, source_ids=sources, n_draws=draws)
    _write(found.to_dict(), found.numbers, f"{found.n} clips in {found.n_tracks} tracks", json_=json_)


app.command("playlists")(playlists)
app.command("faces")(faces)
app.command("answers")(answers)


def _music(model: str, device: str, *, fresh_space: bool) -> "MusicTower":
    """The music tower, without its space where another will be fitted."""
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.evaluation.read import NoSpace

    return MusicTower.load(model, device=device, space=NoSpace() if fresh_space else None)


def _video(model: str, device: str, *, fresh_space: bool) -> "VideoTower":
    """The picture tower, without its space where another will be fitted."""
    from soundtrack.emotion.video_tower import VideoTower
    from soundtrack.evaluation.read import NoSpace

    return VideoTower.load(model, device=device, space=NoSpace() if fresh_space else None)


def _towers(model: str, device: str, *, fresh_space: bool) -> "tuple[VideoTower, MusicTower]":
    """Both towers."""
    return _video(model, device, fresh_space=fresh_space), _music(model, device, fresh_space=fresh_space)


def _check_plot(plot: Path | None, inputs: "Sequence[Path]", *, force: bool) -> None:
    """Refuse a picture that cannot be drawn or must not be written, before anything is read."""
    from soundtrack.files.kinds import PICTURES
    from soundtrack.files.targets import Target
    from soundtrack.pipeline.sheets.targets import guard
    from soundtrack.yardsticks import plot as plotting

    if plot is not None:
        plotting.check_plotting()
        guard([Target(plot, PICTURES["png"], option="--plot")], inputs=inputs, force=force)


def _check_stills(stills: Path | None, *, folds: int) -> None:
    """Refuse stills where no head is trained, and a folder that is none, before anything is read."""
    from soundtrack.errors import InputError, Reason, UsageError

    if stills is None:
        return
    if not folds:
        raise UsageError("--stills requires --folds", hint="add --folds 5, or omit --stills")
    if not stills.is_dir():
        raise InputError(f"{stills} is not a folder", hint="use a folder with oasis/ratings.csv", reason=Reason.MISSING)


def _check_folds(folds: int, sources: set[str], table: Path) -> None:
    """Refuse more folds than sources, and a single fold."""
    from soundtrack.errors import UsageError

    as_they_are = "--folds 0 evaluates the models as they are"
    if folds == 1:
        raise UsageError("--folds 1 leaves no clip to train on", hint=f"use 2 or more; {as_they_are}")
    if folds > len(sources):
        fewer = f"use --folds {min(5, len(sources))}; " if len(sources) > 1 else ""
        raise UsageError(
            f"{table} has {counted(len(sources), 'source')}, too few for {folds} folds", hint=f"{fewer}{as_they_are}"
        )


def _ablation(table: "Mapping[str, Mapping[str, float]]") -> list[str]:
    """The ablation table for people."""
    columns: Sequence[str] = list(next(iter(table.values())))
    width = max(len(row) for row in table)
    lines = [" " * width + "".join(column.rjust(len(column) + 2) for column in columns)]
    for row, cells in table.items():
        lines.append(row.ljust(width) + "".join(f"{cells[c]:.3f}".rjust(len(c) + 2) for c in columns))
    return lines


def _confusions(report: "LabelsReport", document: dict[str, object]) -> list[str]:
    """The confusion matrices of both sides for people; the merged ones go into the document as well."""
    from soundtrack.evaluation import confusions
    from soundtrack.types import EMOTIONS

    texts = []
    for side, table in (("picture", report.confusion_video), ("sound", report.confusion_music)):
        title = f"{side}, {report.n} clips"
        texts.append("\n".join(confusions.lines(title, table, EMOTIONS)))
        small = confusions.merged(table)
        title = f"{title}, fear and tension as one class"
        texts.append("\n".join(confusions.lines(title, small, confusions.MERGED_CLASSES)))
        document.setdefault(f"merged_{side}", confusions.document(table))
    return texts


def _write(document: "Mapping[str, object]", numbers: "Mapping[str, Interval]", title: str, *, json_: bool) -> None:
    """The report on stdout."""
    from soundtrack.cli import output

    with output.product() as out:
        if json_:
            out.write(json.dumps(document, indent=2) + "\n")
        else:
            out.write(f"{title}\n\n" + "\n".join(lines_of(numbers)) + "\n")
