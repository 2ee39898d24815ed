"""``soundtrack conform OLD.json NEW.mp4``: a cue sheet for a film that was cut again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Decoder, DecoderName, Device, Force, Index, NoCache, Quiet, device_name


def conform(
    cues: Annotated[Path, typer.Argument(metavar="CUES", help="Cue sheet of the old cut.", show_default=False)],
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="New cut of the film.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="New cue sheet. Default: stdout.")] = None,
    film: Annotated[
        Path | None,
        typer.Option("--film", help="Old cut. Default: the film next to the cue sheet.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Move all cues along, not only locked ones.")] = False,
    index: Index = None,
    device: Device = None,
    decoder: Decoder = DecoderName.AUTO,
    no_cache: NoCache = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Adapt a cue sheet to a new cut of its film.

    Both cuts are compared shot by shot. Locked cues move along with their picture; the music in between is planned
    again.
    """
    from soundtrack.cli import output
    from soundtrack.documents import cuesheet
    from soundtrack.files.kinds import CUE_SHEET
    from soundtrack.pipeline.conform import conform as conformed
    from soundtrack.pipeline.ground.defaults import cache_folder, device_or_default
    from soundtrack.pipeline.sheets.sheet_tracks import with_files_beside

    sheet = cuesheet.loads(output.read_document(str(cues)), name=str(cues))
    old = film or cues.parent / Path(sheet.film.name.replace("\0", "")).name
    sheet = with_files_beside(sheet, [cues, old])
    with (
        output.product_to(out, kind=CUE_SHEET, inputs=[cues, video, old], index=index, force=force) as write,
        output.progress(quiet=quiet) as progress,
    ):
        found = conformed(
            sheet,
            video,
            old=old,
            every=every,
            index=index,
            device=device_or_default(device_name(device)),
            decoder=decoder.value,
            cache=cache_folder(cache=not no_cache),
            name=str(cues),
            progress=progress,
        )
        write(cuesheet.dumps(found.sheet))
    for line in found.changes:
        output.say(line, quiet=quiet)
    output.say_warnings(found.sheet.warnings, quiet=quiet)
    output.say(f"{found.kept_s:.1f} of {sheet.film.duration_s:.1f} s of the old film found in the new one", quiet=quiet)
