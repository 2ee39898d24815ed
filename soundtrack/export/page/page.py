"""Cue sheet to a page for the browser: the time line, stills, the cues with their reasons and sound, and what failed.

Goes out: one HTML file that needs nothing else; stills and sounds that are handed over travel inside it. It holds no
scripts, and its policy forbids the browser to run or fetch any. Every text from a sheet is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

from soundtrack.export.clips import facts_line, one_line, shown_name
from soundtrack.export.page.picture import picture
from soundtrack.naming.wording import counted
from soundtrack.timebase import clock
from soundtrack.types import Cue, CueSheet

POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""Content security policy of the page."""
_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto; padding: 0 1rem;
  max-width: 80rem; }
.wide { overflow-x: auto; }
.wide > img { display: block; min-width: 50rem; width: 100%; height: auto; }
.stills { display: flex; flex-wrap: wrap; gap: 0.6rem; }
figure { margin: 0; width: 9rem; }
figure img { display: block; width: 100%; height: auto; }
audio { width: 14rem; height: 2rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.9rem 0.35rem 0; border-bottom: 1px solid #ddd; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
ol, ul { margin: 0; padding-left: 1.2rem; }
small { color: #555; }
"""
_COLUMNS = ("cue", "start", "end", "music", "from", "gain", "merit", "why", "runners-up")


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
    name = _text(sheet.film.name)
    drawn = base64.b64encode(picture(sheet, kind="svg")).decode("ascii")
    head = "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Music in {name}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        f"<h1>Music in {name}</h1>",
        f"<p>{_summary(sheet)}</p>",
        f'<div class="wide"><img alt="Time line: emotion of the picture, scenes, cues and ducking of {name}"'
        f' src="data:image/svg+xml;base64,{drawn}"></div>',
        *_scenes(sheet, stills or {}),
        "<h2>Cues</h2>",
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>',
        *(_row(cue, sheet, sound=(sounds or {}).get(cue.cue_id)) for cue in sheet.cues),
        "</tbody></table></div>",
    ]
    if sheet.silences:
        items = "".join(
            f"<li>{clock(s.span.start_s)} to {clock(s.span.end_s)}: {_text(s.reason)}</li>" for s in sheet.silences
        )
        lines += ["<h2>Silence</h2>", f"<ul>{items}</ul>"]
    if sheet.warnings:
        items = "".join(f"<li>{_text(line)}</li>" for line in sheet.warnings)
        lines += ["<h2>What could not be done as asked</h2>", f"<ul>{items}</ul>"]
    return "\n".join([*lines, "</body>", "</html>"]) + "\n"


def _text(text: str) -> str:
    """Any text as one line that means nothing but itself."""
    return escape(one_line(text), quote=True)


def _summary(sheet: CueSheet) -> str:
    """The sheet in one sentence."""
    n_tracks = len({cue.track_id for cue in sheet.cues})
    sound = "under its own sound" if sheet.mix.keep_original else "instead of its own sound"
    scenes, cues = counted(len(sheet.scenes), "scene"), counted(len(sheet.cues), "cue")
    tracks = counted(n_tracks, "track")
    return (
        f"{clock(sheet.film.duration_s)} of film, {scenes}, {cues} from {tracks} {sound},"
        f" mixed to {sheet.mix.target_lufs:g} LUFS."
    )


def _player(sound: bytes | None) -> str:
    """Something to press, where there is something to hear."""
    if sound is None:
        return ""
    data = base64.b64encode(sound).decode("ascii")
    return f'<br><audio controls preload="none" src="data:audio/mpeg;base64,{data}"></audio>'


def _scenes(sheet: CueSheet, stills: Mapping[int, bytes]) -> list[str]:
    """A still of each scene that has one, with its time and mood."""
    figures = []
    for scene in sheet.scenes:
        still = stills.get(scene.index)
        if still is not None:
            at, mood = clock(scene.span.start_s), _text(scene.emotion.label)
            data = base64.b64encode(still).decode("ascii")
            figures.append(
                f'<figure><img alt="Scene at {at}" src="data:image/jpeg;base64,{data}">'
                f"<figcaption>{at} <small>{mood}</small></figcaption></figure>"
            )
    return ["<h2>Scenes</h2>", '<div class="stills">', *figures, "</div>"] if figures else []


def _row(cue: Cue, sheet: CueSheet, *, sound: bytes | None) -> str:
    """One cue as a row of the table."""
    names = {track.track_id: _text(shown_name(track)) for track in sheet.tracks}
    terms = [f"{_text(term.name)} {term.value:+.3f}" for term in cue.why]
    if cue.facts is not None:
        terms.append(_text(facts_line(cue.facts)))
    if cue.speed != 1.0:
        terms.append(f"played at {cue.speed:.2%} of its tempo")
    terms += [
        f"{_text(hit.on)} at {clock(hit.time_s)}" + ("" if hit.late_ms is None else f", {hit.late_ms:+.0f} ms")
        for hit in cue.landings
    ]
    for section in cue.sections[:-1]:
        quality = "" if section.seam_quality is None else f", quality {section.seam_quality:.2f}"
        terms.append(f"seam at {clock(section.track.end_s)} of the track{quality}")
    others = [
        f'<li value="{other.rank}">{names.get(other.track_id, "?")} <small>from {clock(other.segment_start_s)};'
        f" {_text(other.note)}</small></li>"
        for other in sheet.alternatives
        if other.cue_id == cue.cue_id
    ]
    start = clock(cue.sections[0].track.start_s) if cue.sections else "?"
    lock = " <small>locked</small>" if cue.locked else ""
    numbers = (clock(cue.span.start_s), clock(cue.span.end_s))
    cells = [
        f'<th scope="row">{_text(cue.cue_id)}{lock}</th>',
        *(f'<td class="n">{number}</td>' for number in numbers),
        f"<td>{names.get(cue.track_id, '?')}{_player(sound)}</td>",
        *(f'<td class="n">{number}</td>' for number in (start, f"{cue.gain_db:+.1f} dB", f"{cue.merit:.3f}")),
        f"<td>{'<br>'.join(terms)}</td>",
        f"<td>{'<ol>' + ''.join(others) + '</ol>' if others else ''}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"
