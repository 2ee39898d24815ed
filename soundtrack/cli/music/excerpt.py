"""``soundtrack excerpt SONG``: the best stretch of a piece of music, or a loop, cut on bars."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Force, Quiet


def excerpt(
    song: Annotated[Path, typer.Argument(metavar="SONG", help="Piece of music; need not be in the library.")],
    seconds: Annotated[float, typer.Option("--seconds", "-s", help="Length in seconds, 1 to 300.")] = 30.0,
    loop: Annotated[
        bool, typer.Option("--loop", help="Find whole bars of about that length whose end meets their beginning.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Sound file to write: .wav, .flac or .mp3. Default: print the place only."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Find the best stretch of a piece of music: strong, on bars, with a complete ending.

    The stretch is exactly as long as asked for, or ends up to a bar earlier with the ending of the piece. Its last bar
    is followed by a fade. The first ten minutes of the piece are considered.
    """
    from soundtrack.cli import output
    from soundtrack.pipeline.excerpt import make_excerpt
    from soundtrack.timebase import clock

    is_read = not output.is_terminal(1)
    with output.product() as stream:
        made = make_excerpt(song, seconds=seconds, loop=loop, out=out, force=force)
        found = made.excerpt
        line = f"{clock(found.span.start_s)} to {clock(found.span.end_s)}, {found.n_bars} bars"
        line += "" if found.loop_quality is None else f", loop quality {found.loop_quality:.2f}"
        line += ", ends with the piece" if found.ends_with_track else ""
        if as_json:
            output.write_json(made.as_dict(), stream)
        elif out is None:
            stream.write(output.plain(f"{song}: {line}") + "\n")
        else:
            output.say(f"{out}: {line}", quiet=quiet)
            if is_read:
                stream.write(f"{out}\n")
