"""Cue sheet to an HTML page: time line, stills, cues with reasons and sound, warnings.

Goes out: one HTML file that needs nothing else; stills and sounds that are handed over travel inside it. It holds no
scripts, and its policy forbids the browser to run or fetch any. The template ``page.html.jinja`` escapes every text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from soundtrack.export.clips import facts_line, one_line, shown_name
from soundtrack.export.page.picture import picture
from soundtrack.naming.wording import counted, is_note
from soundtrack.timebase import clock
from soundtrack.types import Alternative, Cue, CueSheet

POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""Content security policy of the page."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One cue as the table has it."""

    cue: Cue
    music: str
    """Name of the track."""
    sound: bytes | None
    times: tuple[str, str]
    """Start and end in the film."""
    numbers: tuple[str, str, str]
    """Start in the track, gain, merit."""
    reasons: tuple[str, ...]
    others: tuple[tuple[Alternative, str], ...]
    """Alternatives with the names of their tracks."""


def page(
    sheet: CueSheet, *, stills: Mapping[int, bytes] | None = None, sounds: Mapping[str, bytes] | None = None
) -> str:
    """A sheet as an HTML document.

    Parameters
    ----------
    sheet : CueSheet
    stills : mapping of int to bytes, optional
        JPEG files by index of the scene.
    sounds : mapping of str to bytes, optional
        MP3 files by cue.

    Returns
    -------
    str
        The same sheet gives the same text with the same version of matplotlib.
    """
    return rendered(
        "page.html.jinja",
        sheet=sheet,
        film=sheet.film.name,
        policy=POLICY,
        summary=_summary(sheet),
        drawing=picture(sheet, kind="svg"),
        stills=[(s, stills[s.index]) for s in sheet.scenes if s.index in stills] if stills else [],
        rows=[_row(cue, sheet, sound=(sounds or {}).get(cue.cue_id)) for cue in sheet.cues],
    )


def rendered(template: str, **values: object) -> str:
    """A template of this package with its values; every text is escaped."""
    from jinja2 import Environment, StrictUndefined

    templates = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    templates.filters |= {"base64": _base64, "clock": clock, "line": one_line}
    templates.tests["note"] = is_note
    text = files("soundtrack.export.page").joinpath(template).read_text(encoding="utf-8")
    return templates.from_string(text).render(**values)


def _base64(data: bytes) -> str:
    """Bytes as a data address has them."""
    return base64.b64encode(data).decode("ascii")


def _summary(sheet: CueSheet) -> str:
    """The sheet in one sentence."""
    n_tracks = len({cue.track_id for cue in sheet.cues})
    sound = "with the original sound" if sheet.mix.keep_original else "replacing the original sound"
    scenes, cues = counted(len(sheet.scenes), "scene"), counted(len(sheet.cues), "cue")
    tracks = counted(n_tracks, "track")
    return (
        f"{clock(sheet.film.duration_s)} of film, {scenes}, {cues} from {tracks} {sound},"
        f" mixed to {sheet.mix.target_lufs:g} LUFS."
    )


def _row(cue: Cue, sheet: CueSheet, *, sound: bytes | None) -> _Row:
    """One cue as a row of the table."""
    names = {track.track_id: shown_name(track) for track in sheet.tracks}
    start = clock(cue.sections[0].track.start_s) if cue.sections else "?"
    return _Row(
        cue=cue,
        music=names.get(cue.track_id, "?"),
        sound=sound,
        times=(clock(cue.span.start_s), clock(cue.span.end_s)),
        numbers=(start, f"{cue.gain_db:+.1f} dB", f"{cue.merit:.3f}"),
        reasons=tuple(_reasons(cue)),
        others=tuple((o, names.get(o.track_id, "?")) for o in sheet.alternatives if o.cue_id == cue.cue_id),
    )


def _reasons(cue: Cue) -> Iterator[str]:
    """Why this music, and how it was made to fit; a line each."""
    for term in cue.why:
        yield f"{term.name} {term.value:+.3f}"
    if cue.facts is not None:
        yield facts_line(cue.facts)
    if cue.speed != 1.0:
        yield f"tempo {cue.speed:.2%} of its tempo"
    for hit in cue.landings:
        yield f"{hit.on} at {clock(hit.time_s)}" + ("" if hit.late_ms is None else f", {hit.late_ms:+.0f} ms")
    for section in cue.sections[:-1]:
        quality = "" if section.seam_quality is None else f", quality {section.seam_quality:.2f}"
        yield f"seam at {clock(section.track.end_s)} of the track{quality}"
