"""``soundtrack render VIDEO CUES|-``: mix the music of a cue sheet into a film."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.choices import narration_wish
from soundtrack.cli.options import (
    Force,
    Index,
    KeepLevel,
    Layout,
    Mix,
    Model,
    MusicTrack,
    Narration,
    NarrationAt,
    Quiet,
    Stems,
)


def render(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="Film to score.", show_default=False)],
    cues: Annotated[str, typer.Argument(metavar="CUES|-", help="Cue sheet; - for stdin.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Scored film. Default: NAME.scored.EXT next to VIDEO.")
    ] = None,
    swap: Annotated[
        list[str] | None,
        typer.Option(
            "--swap",
            metavar="CUE=RANK",
            help="Use alternative RANK of `cues show --why` for CUE, e.g. 1m02=2. Repeatable; requires the index.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--cues", metavar="OUT", help="Also write the cue sheet as rendered, with swaps and gains."),
    ] = None,
    index: Index = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    layout: Mix = Layout.AUTO,
    keep_level: KeepLevel = False,
    narration: Narration = None,
    narration_at: NarrationAt = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Render a stretch from here on.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="End of the stretch.", show_default=False)
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Small picture of at most 360 lines, encoded quickly, to look at.")
    ] = False,
    stems: Stems = None,
    music_track: MusicTrack = False,
    json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON to stdout.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Mix the music of a cue sheet into a film; video and all other streams are copied.

    With --from, --to or --draft a stretch is written to a new file, with the mix that it has in the whole film; its
    picture is re-encoded, in H.264.
    """
    from soundtrack import api, pipeline
    from soundtrack.cli import output
    from soundtrack.cli.words import parse_swap, parse_time
    from soundtrack.documents import cuesheet
    from soundtrack.pipeline.ground.preferences import note_edit
    from soundtrack.pipeline.stretch import render_stretch

    wish = narration_wish(narration, narration_at)
    is_read = not output.is_terminal(1)
    with output.product() as stream:
        sheet = cuesheet.loads(output.read_document(cues), name="stdin" if cues == "-" else cues)
        before = sheet
        sheet = pipeline.swap_music(sheet, [parse_swap(text) for text in swap or ()], index=index)
        for line in pipeline.swapped_lines(before, sheet):
            output.say(line, quiet=quiet)
        if draft or from_ is not None or to is not None:
            _require_alone(
                {
                    "--cues": save is not None,
                    "--mix": layout is not Layout.AUTO,
                    "--keep-level": keep_level,
                    "--narration": wish is not None,
                    "--stems": stems is not None,
                    "--music-track": music_track,
                    "--force": force,
                }
            )
            with output.progress(quiet=quiet) as progress:
                stretch = render_stretch(
                    video,
                    sheet,
                    start_s=parse_time(from_, "--from") or 0.0,
                    end_s=parse_time(to, "--to"),
                    draft=draft,
                    out=out,
                    inputs=() if cues == "-" else (Path(cues),),
                    index=index,
                    former=before,
                    progress=progress,
                )
            output.say_warnings(stretch.warnings, quiet=quiet)
            for line in stretch.summary():
                output.say(line, quiet=quiet)
            if json:
                output.write_json(stretch.as_dict(), stream)
            elif is_read:
                stream.write(f"{stretch.path}\n")
            return
        with output.progress(quiet=quiet) as progress:
            report = api.render(
                video,
                sheet,
                out=out,
                cues=save,
                inputs=[] if cues == "-" else [Path(cues)],
                index=index,
                stems=stems,
                music_track=music_track,
                layout=layout.value,
                keep_level=keep_level,
                narration=None if wish is None else wish.path,
                narration_at_s=0.0 if wish is None else wish.start_s,
                former=before,
                force=force,
                progress=progress,
            )
        output.say_warnings(note_edit(before, sheet), quiet=quiet)
        if save is not None:
            output.say(f"{save}: cue sheet", quiet=quiet)
        output.say_warnings(report.warnings, quiet=quiet)
        for line in report.summary():
            output.say(line, quiet=quiet)
        if json:
            output.write_json(report.as_dict(), stream)
        elif is_read:
            stream.write(f"{report.path}\n")


def _require_alone(used: dict[str, bool]) -> None:
    """Refuse options of a whole render beside those of a stretch."""
    from soundtrack.errors import UsageError

    for option, is_used in used.items():
        if is_used:
            hint = "use another -o; a stretch never replaces a file" if option == "--force" else f"leave out {option}"
            raise UsageError(f"{option} cannot be used with --from, --to or --draft", hint=hint)
