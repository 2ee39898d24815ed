"""``soundtrack verify IN OUT``: compare the streams of a film and its scored version."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Quiet


def verify(
    video: Annotated[Path, typer.Argument(metavar="IN", help="Original film.", show_default=False)],
    scored: Annotated[Path, typer.Argument(metavar="OUT", help="Scored film.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON to stdout.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare every stream, tag and chapter of a film with its scored version; exit code 9 if anything was lost."""
    from soundtrack.cli import output
    from soundtrack.errors import OutputError
    from soundtrack.media.checking.verify import compare_streams

    with output.product() as stream:
        found = compare_streams(video, scored)
        for line in found.unchanged:
            output.say(f"unchanged: {line}", quiet=quiet)
        for line in found.expected:
            output.say(f"expected: {line}", quiet=quiet)
        for difference in found.differences:
            output.say(f"different: {difference}")
        if json:
            summary = {
                "same": found.is_same,
                "unchanged": list(found.unchanged),
                "expected": list(found.expected),
                "differences": [{"what": d.what, "before": d.before, "after": d.after} for d in found.differences],
            }
            output.write_json(summary, stream)
    if not found.is_same:
        raise OutputError(
            f"{scored}: differs from {video}: {found.differences[0]}",
            hint="render again; `soundtrack verify IN OUT --json` lists every difference",
        )
