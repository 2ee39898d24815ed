"""``soundtrack voices VIDEO``: the voices of a film without its music, as a sound file."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Device, Force, Quiet, device_name


def voices(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="Film with speech and music.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="FLAC file, 48 kHz, 24 bits, as long as the film. Default: NAME.voices.flac."
        ),
    ] = None,
    device: Device = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Separate the voices of a film from its music, by an installed separator.

    `pip install 'soundtrack[separate]'` installs one; packages can bring others.
    """
    from soundtrack.cli import output
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.film.voices import separate_voices

    is_read = not output.is_terminal(1)
    with output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            made = separate_voices(video, out=out, device=device_name(device), force=force, progress=progress)
        narrated = made.narrated
        output.say_warnings(narrated.warnings, quiet=quiet)
        spoken_s = sum(span.duration_s for span in narrated.speech)
        output.say(f"{made.path}: {counted(round(spoken_s), 'second')} of speech, by {made.separator}", quiet=quiet)
        if as_json:
            speech = [[span.start_s, span.end_s] for span in narrated.speech]
            document = {"voices": str(made.path), "separator": made.separator, "speech": speech}
            output.write_json({**document, "warnings": list(narrated.warnings)}, stream)
        elif is_read:
            stream.write(f"{made.path}\n")
