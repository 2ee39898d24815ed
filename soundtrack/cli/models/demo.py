"""``soundtrack demo [DIR]``: make a small film and library, index the library and score the film."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Device, Quiet, device_name


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder, created if missing.")] = Path("demo"),
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Generate a demo film and ten demo tracks, index the tracks and score the film.

    An existing demo film and tracks in DIR are kept; index, scored film and cue sheet are updated.
    """
    from soundtrack import api
    from soundtrack.cli import output
    from soundtrack.demo.make import make_demo
    from soundtrack.errors import OutputError, PartialError

    index = folder / "library_index"
    with output.product() as stream:
        try:
            with output.progress(quiet=quiet) as progress:
                media = make_demo(folder, progress=progress)
        except OSError as error:
            raise OutputError(
                f"{folder}: {error.strerror or error}", hint="use a writable folder: `soundtrack demo DIR`"
            ) from error
        output.say(f"created {media.film} and {len(media.tracks)} tracks in {media.library}", quiet=quiet)
        where = device_name(device)
        with output.progress(quiet=quiet) as progress:
            report = api.index(media.library, index=index, device=where, progress=progress)
        if report.skipped:
            raise PartialError(
                f"{report.skipped[0].path}: {report.skipped[0].message}",
                hint=f"remove {folder} and try again; `soundtrack doctor` lists missing dependencies",
            )
        output.say(f"indexed {report.n_tracks} tracks in {index}", quiet=quiet)
        with output.progress(quiet=quiet) as progress:
            scored = api.score(media.film, index=index, device=where, force=True, progress=progress)
        for cue in scored.sheet.cues:
            title = next((t.title for t in scored.sheet.tracks if t.track_id == cue.track_id), None)
            output.say(f"{cue.cue_id}  {cue.span.start_s:6.1f} - {cue.span.end_s:6.1f} s  {title}", quiet=quiet)
        stream.write(f"film: {output.plain(scored.film)}\ncues: {output.plain(scored.cues)}\n")
