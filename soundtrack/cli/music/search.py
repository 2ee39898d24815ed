"""``soundtrack search``: the library by mood, by valence and arousal, or by a piece of music that is like it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli import complete
from soundtrack.cli.options import Device, Index, Model, Spoken, device_name

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found


def search(
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
        Path | None, typer.Option("--like", help="Find music similar to this file (need not be in the library).")
    ] = None,
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=10_000, help="Maximum number of tracks.")] = 10,
    allow_spoken: Spoken = False,
    index: Index = None,
    device: Device = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
) -> None:
    """Search the library by mood, by valence and arousal, or by a similar file."""
    from soundtrack import api
    from soundtrack.cli import output
    from soundtrack.cli.music.library import TRACK_HEADINGS, table, track_facts
    from soundtrack.timebase import clock

    columns = output.stdout_columns()
    with output.product() as stream:
        found = api.search(
            mood=mood,
            valence=valence,
            arousal=arousal,
            like=like,
            n=n,
            allow_spoken=allow_spoken,
            index=index,
            device=device_name(device),
        )
        if as_json:
            output.write_json(
                [
                    {
                        "similarity": round(f.similarity, 4),
                        "start_s": f.segment.span.start_s,
                        "end_s": f.segment.span.end_s,
                        **track_facts(f.track),
                    }
                    for f in found
                ],
                stream,
            )
            return
        lines = [[f"{f.similarity:.3f}", clock(f.segment.span.start_s), *_line(f)] for f in found]
        stream.write(table([["similar", "from", *TRACK_HEADINGS], *lines], columns=columns))


def _line(found: "Found") -> list[str]:
    """A track as the library lists it, but with the mood of the segment that was found."""
    from soundtrack.cli.music.library import track_line

    track_id, _, *rest = track_line(found.track)
    return [track_id, found.segment.emotion.label, *rest]
