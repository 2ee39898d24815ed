"""Cue sheet to a picture: moods, scenes, cues with seams, speech and ducking on one time line.

An SVG holds its text as text, so that the viewer's fonts are used. A PNG is drawn with the fonts of this machine
that have the characters, DejaVu Sans first. The same sheet gives the same bytes with the same version of matplotlib,
a PNG with the same fonts.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from soundtrack.errors import UsageError
from soundtrack.export.clips import one_line, shown_name
from soundtrack.export.page.glyphs import fonts_for
from soundtrack.files.kinds import PICTURE_METADATA
from soundtrack.timebase import clock
from soundtrack.types import EMOTIONS, Cue, CueSheet, SheetTrack, Span

KINDS = ("png", "svg")
"""File endings."""

COLOURS = dict(zip(EMOTIONS, ("#e8a33d", "#7b5ea7", "#a3a8ad", "#5aa469", "#4a7fb5", "#c8553d"), strict=True))
INK, PAPER, _MUSIC, _SPEECH = "#222222", "#ffffff", "#3d5a80", "#b0b0b0"


def plain_matplotlib(kind: str) -> Any:
    """The module matplotlib with its own defaults, for a picture of a kind.

    Raises
    ------
    UsageError
        The kind is none of `KINDS`.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown picture format {kind!r}", hint=f"use a file name that ends in {' or '.join(KINDS)}")
    import matplotlib

    matplotlib.rcdefaults()  # it has read a `matplotlibrc` of the working folder, which may come from a stranger
    return matplotlib


def picture(sheet: CueSheet, *, kind: str) -> bytes:
    """The time line of a sheet as a picture.

    Parameters
    ----------
    sheet : CueSheet
    kind : str
        One of `KINDS`.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    UsageError
        There is no such kind of picture.
    """
    matplotlib = plain_matplotlib(kind)
    from matplotlib.figure import Figure

    style: dict[str, Any] = {"svg.hashsalt": "soundtrack", "svg.fonttype": "none", "text.parse_math": False}
    style |= {"font.size": 8, "axes.edgecolor": INK}
    if kind == "png":
        fonts = fonts_for(_texts(sheet))
        style["font.family"] = list(fonts.families)
        sheet = _with_question_marks(sheet, fonts.lacking)
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # measured for an SVG, never drawn
        width = min(40.0, max(10.0, sheet.film.duration_s / 25))
        figure = Figure(figsize=(width, 5.4), facecolor=PAPER, layout="constrained")
        axes = figure.subplots(4, 1, sharex=True, height_ratios=(3, 1, 2, 1.6))
        figure.suptitle(one_line(sheet.film.name)[:120])
        _draw_arc(axes[0], sheet)
        _draw_scenes(axes[1], sheet)
        _draw_cues(axes[2], sheet)
        _draw_gain(axes[3], sheet)
        axes[3].set_xlim(0, max(sheet.film.duration_s, 1e-3))
        axes[3].xaxis.set_major_formatter(lambda x, _: clock(max(0.0, x)))
        out = io.BytesIO()
        figure.savefig(out, format=kind, dpi=110, metadata=PICTURE_METADATA[kind])
    return out.getvalue()


def undrawable(sheet: CueSheet) -> str:
    """Characters of a sheet's names that no font of this machine has; a PNG shows question marks for them."""
    return fonts_for(_texts(sheet)).lacking


def _texts(sheet: CueSheet) -> str:
    """Everything that a picture shows of a sheet's texts."""
    names = [shown_name(track) for track in sheet.tracks]
    return "".join([one_line(sheet.film.name), *names, *(one_line(cue.cue_id) for cue in sheet.cues)])


def _with_question_marks(sheet: CueSheet, lacking: str) -> CueSheet:
    """The sheet with names that can be drawn."""
    if not lacking:
        return sheet
    table = str.maketrans(dict.fromkeys(lacking, "?"))
    tracks = tuple(
        replace(
            t,
            path=t.path.translate(table),
            title=t.title and t.title.translate(table),
            artist=t.artist and t.artist.translate(table),
        )
        for t in sheet.tracks
    )
    film = replace(sheet.film, name=sheet.film.name.translate(table))
    return replace(sheet, film=film, tracks=tracks)


def _draw_arc(axis: Any, sheet: CueSheet) -> None:
    """Valence and arousal of the scenes, as steps."""
    edges = [scene.span.start_s for scene in sheet.scenes] + [scene.span.end_s for scene in sheet.scenes[-1:]]
    for name, colour in (("valence", "#4a7fb5"), ("arousal", "#c8553d")):
        values = [getattr(scene.emotion, name) for scene in sheet.scenes]
        if values:
            axis.stairs(values, edges, baseline=None, color=colour, linewidth=1.6, label=f"{name} of the picture")
    axis.axhline(0, color=_SPEECH, linewidth=0.6)
    axis.set_ylim(-1.05, 1.05)
    axis.set_ylabel("emotion")
    if sheet.scenes:
        axis.legend(loc="upper right", ncols=2, frameon=False)


def _draw_scenes(axis: Any, sheet: CueSheet) -> None:
    """The scenes, coloured by their leading class."""
    for scene in sheet.scenes:
        label = scene.emotion.label
        bar = axis.barh(
            0, scene.span.duration_s, left=scene.span.start_s, height=0.9, color=COLOURS[label], edgecolor=PAPER
        )
        if scene.span.duration_s > sheet.film.duration_s / 14:
            _label(axis, label, at=(scene.span.start_s, 0), inside=bar.patches[0])
    axis.set_ylabel("scenes")
    axis.set_yticks([])


def _draw_cues(axis: Any, sheet: CueSheet) -> None:
    """The cues in two lanes, with fades as slopes and seams as lines."""
    names = {t.track_id: _title_first(t) for t in sheet.tracks}
    for i, cue in enumerate(sheet.cues):
        low = float(i % 2)
        shape = axis.fill(*_outline(cue, low), color=_MUSIC, alpha=0.85 if not cue.locked else 1.0, linewidth=0)
        for seam_s in _seams(cue):
            axis.plot([seam_s, seam_s], [low, low + 0.85], color=PAPER, linewidth=1, linestyle=":")
        title = f"{one_line(cue.cue_id)} {names.get(cue.track_id, '?')}"
        _label(axis, title[:60], at=(cue.span.start_s, low + 0.42), inside=shape[0])
    axis.set_ylim(-0.1, 2.0)
    axis.set_ylabel("music")
    axis.set_yticks([])


def _label(axis: Any, text: str, *, at: tuple[float, float], inside: Any) -> None:
    """White text from a little right of a place on, as far as the shape under it goes."""
    written = axis.annotate(text, at, (3, 0), textcoords="offset points", va="center", color=PAPER)
    written.set_clip_path(inside)


def _title_first(track: SheetTrack) -> str:
    """Title and artist: of a short cue only the beginning can be read."""
    return one_line(f"{track.title}, {track.artist}") if track.title and track.artist else shown_name(track)


def _outline(cue: Cue, low: float) -> tuple[list[float], list[float]]:
    """Corners of a cue: up the fade-in, along, down the fade-out."""
    start, end, high = cue.span.start_s, cue.span.end_s, low + 0.85
    return [start, start + cue.fade_in_s, end - cue.fade_out_s, end], [low, high, high, low]


def _seams(cue: Cue) -> list[float]:
    """Where on the film a cue's seams fall, in seconds."""
    times, at = [], cue.span.start_s
    for section in cue.sections[:-1]:
        at += section.track.duration_s / cue.speed
        times.append(at)
    return times


def _draw_gain(axis: Any, sheet: CueSheet) -> None:
    """Spans with speech, and the ducking."""
    _shade(axis, sheet.speech)
    if sheet.ducking:
        times = [0.0, *(p.time_s for p in sheet.ducking), sheet.film.duration_s]
        gains = [sheet.ducking[0].gain_db, *(p.gain_db for p in sheet.ducking), sheet.ducking[-1].gain_db]
        axis.plot(times, gains, color=_MUSIC, linewidth=1.4)
    else:
        axis.axhline(0, color=_MUSIC, linewidth=1.4)
    lowest = min((p.gain_db for p in sheet.ducking), default=0.0)
    axis.set_ylim(min(-6.0, lowest - 1), 1)
    axis.set_ylabel("ducking, dB\n(grey: speech)")


def _shade(axis: Any, spans: Sequence[Span]) -> None:
    """Grey where there is speech."""
    for span in spans:
        axis.axvspan(span.start_s, span.end_s, color=_SPEECH, alpha=0.4, linewidth=0)
