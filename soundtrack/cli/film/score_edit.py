"""``soundtrack score EDIT`` without a film: the edit with music on tracks of its own, and the cue sheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def score_edit(
    video: Path, *, out: Path | None, of_films: Mapping[str, bool], as_json: bool, quiet: bool, **options: Any
) -> None:
    """Score an edit and say what was written.

    Parameters
    ----------
    video : Path
        The edit.
    out : Path, optional
        The new time line.
    of_films : mapping of str to bool
        Options that only a film has, and whether they were given.
    as_json, quiet : bool
        Whether a summary goes to stdout, and whether stderr stays empty.
    **options
        Of `soundtrack.pipeline.scored_edit.score_edit`.

    Raises
    ------
    UsageError
        Such an option was given.
    """
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.scored_edit import score_edit as score

    given = [name for name, is_given in of_films.items() if is_given]
    if given:
        raise UsageError(f"{given[0]} requires a film", hint="add -o FILE, such as -o film.mp4")
    is_read = not output.is_terminal(1)
    with output.product() as stream:
        with output.progress(quiet=quiet) as progress:
            scored = score(video, out=out, progress=progress, **options)
        output.say_warnings(scored.sheet.warnings, quiet=quiet)
        output.say(f"wrote {scored.edit} and {scored.cues}: {counted(len(scored.sheet.cues), 'cue')}", quiet=quiet)
        if as_json:
            named = {"edit": str(scored.edit), "cues": str(scored.cues), "n_cues": len(scored.sheet.cues)}
            output.write_json({**named, "warnings": list(scored.sheet.warnings)}, stream)
        elif is_read:
            stream.write(f"{scored.edit}\n")
