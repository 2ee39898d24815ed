"""``soundtrack search``: search the library by mood, valence and arousal, words, similarity or pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from soundtrack.cli import complete
from soundtrack.cli.options import Device, Index, Language, Lexicon, License, Model, Quiet, Spoken, device_name

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found
    from soundtrack.pipeline.library.asking import Asked
    from soundtrack.pipeline.pictured import PictureAnswer

_TRACKS = 10


def search(
    more: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PICTURE", help="Further pictures for --picture.", show_default=False),
    ] = None,
    mood: Annotated[
        str | None,
        typer.Option(
            "--mood", metavar="MOOD", autocompletion=complete.moods, help="Mood, e.g. tense, calm, sad, scary."
        ),
    ] = None,
    valence: Annotated[
        float | None, typer.Option("--valence", min=-1, max=1, help="Valence, from -1 (unpleasant) to 1 (pleasant).")
    ] = None,
    arousal: Annotated[
        float | None, typer.Option("--arousal", min=-1, max=1, help="Arousal, from -1 (calm) to 1 (excited).")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="FILE|WORDS",
            help='Find music similar to a file (need not be in the library), or by words: "hopeful, no drums, 90 bpm".',
        ),
    ] = None,
    picture: Annotated[
        list[Path] | None,
        typer.Option(
            "--picture",
            metavar="FILE",
            help="Find music for a photo or for each photo of a folder; several may follow.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--number",
            min=1,
            max=10_000,
            help="Maximum number of tracks; for several pictures, of each.",
            show_default="10, for several pictures 1",
        ),
    ] = None,
    license: License = None,
    language: Language = None,
    lexicon: Lexicon = None,  # noqa: ARG001 - its callback has the say
    allow_spoken: Spoken = False,
    index: Index = None,
    device: Device = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
    quiet: Quiet = False,
) -> None:
    """Search the library by mood, by valence and arousal, by a similar file, or for pictures."""
    from soundtrack import api
    from soundtrack.cli import output
    from soundtrack.cli.choices import make_permit
    from soundtrack.cli.music.library import TRACK_HEADINGS, table
    from soundtrack.errors import PartialError, UsageError
    from soundtrack.pipeline.library.opened import Library, is_request, require_one_question
    from soundtrack.pipeline.pictured import music_for_pictures
    from soundtrack.timebase import clock

    columns, permit = output.stdout_columns(), make_permit(license, language)
    if picture or more:
        if not picture or any(value is not None for value in (mood, valence, arousal, like)):
            raise UsageError(
                "use one search criterion at a time"
                if picture
                else f"unexpected argument: {' '.join(map(str, more or ()))}",
                hint="give a mood, --valence and --arousal, --like or --picture",
            )
        paths = [*picture, *(more or ())]
        with output.product() as stream:
            n_each = n or (_TRACKS if len(paths) == 1 and not paths[0].is_dir() else 1)
            answer = music_for_pictures(
                paths, n=n_each, index=index, allow_spoken=allow_spoken, permit=permit, device=device_name(device)
            )
            for line in answer.warnings:
                output.say(f"warning: {line}", quiet=quiet)
            _write_pictured(answer, stream, as_json=as_json, columns=columns)
        if answer.failed:
            raise PartialError(
                f"{len(answer.failed)} of {len(paths)} inputs could not be read: {answer.failed[0].message}",
                hint="the others were answered; check the files named in the warnings",
            )
        return
    n = n or _TRACKS
    with output.product() as stream:
        if like is not None and is_request(like):
            require_one_question(mood=mood, valence=valence, arousal=arousal, like=like)
            with Library(index, allow_spoken=allow_spoken, permit=permit) as library:
                asked = library.ask(like, device=device_name(device))
                _say_all(library.notes(), quiet=quiet)
            _write_asked(asked, stream, n=n, as_json=as_json, columns=columns, quiet=quiet)
            return
        question: dict[str, Any] = {"mood": mood, "valence": valence, "arousal": arousal, "like": like, "n": n}
        if permit:
            with Library(index, allow_spoken=allow_spoken, permit=permit) as library:
                found = library.search(**question, device=device_name(device))
                _say_all(library.notes(), quiet=quiet)
        else:
            found = api.search(**question, allow_spoken=allow_spoken, index=index, device=device_name(device))
        if as_json:
            output.write_json(
                [_facts(f) for f in found],
                stream,
            )
            return
        lines = [[f"{f.similarity:.3f}", clock(f.segment.span.start_s), *_line(f)] for f in found]
        stream.write(table([["similar", "from", *TRACK_HEADINGS], *lines], columns=columns))


def _say_all(notes: list[str], *, quiet: bool) -> None:
    """Lines on stderr."""
    from soundtrack.cli import output

    for line in notes:
        output.say(line, quiet=quiet)


def _line(found: "Found") -> list[str]:
    """A track as the library lists it, but with the mood of the segment that was found."""
    from soundtrack.cli.music.library import track_line

    track_id, _, *rest = track_line(found.track)
    return [track_id, found.segment.emotion.label, *rest]


def _facts(found: "Found") -> dict[str, object]:
    """A found track for machines."""
    from soundtrack.cli.music.library import track_facts

    span = found.segment.span
    return {
        "similarity": round(found.similarity, 4),
        "start_s": span.start_s,
        "end_s": span.end_s,
        "segment_vocal_share": found.segment.vocal_share,
        **track_facts(found.track),
    }


def _write_asked(asked: "Asked", stream: TextIO, *, n: int, as_json: bool, columns: int | None, quiet: bool) -> None:
    """How a request was understood, and the tracks that answer it best, with what each breaks."""
    from soundtrack.cli import output
    from soundtrack.cli.music.library import TRACK_HEADINGS, table
    from soundtrack.pipeline.library.asking import understood
    from soundtrack.pipeline.library.opened import best_of
    from soundtrack.queries.query import said
    from soundtrack.timebase import clock

    places, found = asked.answer.order()[:n], best_of(asked, n=n)
    names = [said(clause) for clause in asked.query.clauses]
    broken = [
        [name for name, is_broken in zip(names, asked.answer.broken[:, p], strict=True) if is_broken] for p in places
    ]
    if as_json:
        agreement = [
            {name: round(float(value), 3) for name, value in zip(names, asked.answer.values[:, p], strict=True)}
            for p in places
        ]
        tracks = [
            {**_facts(f), "agreement": its, "not_met": missed}
            for f, its, missed in zip(found, agreement, broken, strict=True)
        ]
        output.write_json({"request": asked.query.text, "understood": names, "tracks": tracks}, stream)
        return
    output.say(understood(asked), quiet=quiet)
    lines = [
        [f"{f.similarity:.3f}", clock(f.segment.span.start_s), *_line(f), "; ".join(missed)]
        for f, missed in zip(found, broken, strict=True)
    ]
    stream.write(table([["agrees", "from", *TRACK_HEADINGS, "not met"], *lines], columns=columns))


def _write_pictured(answer: "PictureAnswer", stream: TextIO, *, as_json: bool, columns: int | None) -> None:
    """Music for pictures: a row for each picture and track."""
    from soundtrack.cli import output
    from soundtrack.cli.music.library import TRACK_HEADINGS, table
    from soundtrack.export.opinions import top_line
    from soundtrack.timebase import clock

    if as_json:
        pictures = [
            {
                "picture": str(one.path),
                "exit_code": 0,
                "mood": one.emotion.label,
                "moods": {name: round(share, 4) for name, share in one.emotion.top()},
                "caption": one.caption,
                "caption_agrees": one.agrees,
                "valence": round(one.emotion.valence, 4),
                "arousal": round(one.emotion.arousal, 4),
                "tracks": [
                    {
                        **_facts(found),
                        "valence": round(found.segment.emotion.valence, 4),
                        "arousal": round(found.segment.emotion.arousal, 4),
                    }
                    for found in one.found
                ],
            }
            for one in answer.pictures
        ]
        failed = [
            {"picture": str(one.path), "exit_code": one.exit_code, "error": one.message, "hint": one.hint}
            for one in answer.failed
        ]
        output.write_json([*pictures, *failed], stream)
        return
    lines = [
        [
            output.plain(one.path.name),
            top_line(one.emotion),
            one.caption + ("" if one.agrees else " (words disagree)"),
            f"{one.emotion.valence:+.2f}",
            f"{one.emotion.arousal:+.2f}",
            f"{found.similarity:.3f}",
            clock(found.segment.span.start_s),
            *_line(found),
        ]
        for one in answer.pictures
        for found in one.found
    ]
    stream.write(
        table(
            [["picture", "moods", "caption", "valence", "arousal", "similar", "from", *TRACK_HEADINGS], *lines],
            columns=columns,
        )
    )
