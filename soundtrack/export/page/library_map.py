"""The library on the plane of valence and arousal: a picture, and a page with a filter by words and sound.

Goes in: tracks. Comes out: a PNG or SVG, or an HTML page that needs nothing else. The page plays the files of the
library where the browser reaches them. Its one script is named in its policy by its hash; the policy forbids the
browser to fetch anything but those files. The template ``map.html.jinja`` escapes every text.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from soundtrack.export.clips import one_line
from soundtrack.export.page.page import rendered
from soundtrack.export.page.picture import COLOURS, INK, PAPER, plain_matplotlib
from soundtrack.export.timeline import file_url
from soundtrack.files.kinds import PICTURE_METADATA
from soundtrack.timebase import clock
from soundtrack.types import EMOTIONS, FloatArray, Track

_EDGE = 0.04
"""Free share of the plane on each side."""
_LEAST_REACH = 0.25
"""Valence and arousal up to which the plane is drawn at least, as on the served page."""


@dataclass(frozen=True, slots=True)
class _Dot:
    """A track on the page."""

    left: str
    """Place from the left, in percent."""
    top: str
    """Place from above, in percent."""
    colour: str
    name: str
    facts: str
    words: str
    """What the filter looks at, in lower case."""
    url: str


def map_picture(tracks: Sequence[Track], *, kind: str, places: FloatArray | None = None) -> bytes:
    """The library as a picture.

    Parameters
    ----------
    tracks : sequence of Track
    places : ndarray, shape=(T, 2), float32, optional
        Places by likeness, in [-1, 1]; by default valence and arousal.
    kind : str
        One of `soundtrack.export.page.picture.KINDS`.

    Raises
    ------
    UsageError
        There is no such kind of picture.
    """
    matplotlib = plain_matplotlib(kind)
    from matplotlib.figure import Figure

    at = np.array([(t.emotion.valence, t.emotion.arousal) for t in tracks]) if places is None else places
    style: dict[str, Any] = {
        "svg.hashsalt": "soundtrack",
        "svg.fonttype": "none",
        "font.size": 9,
        "axes.edgecolor": INK,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(8, 7), facecolor=PAPER, layout="constrained")
        axes = figure.subplots()
        for name in EMOTIONS:
            own = [i for i, track in enumerate(tracks) if track.emotion.label == name]
            if own:
                label = f"{name} ({len(own)})"
                across, up = at[own].T
                axes.scatter(across, up, s=26, c=COLOURS[name], label=label, alpha=0.8, linewidths=0)
        edge = 1.05 * (1.0 if places is not None else _reach(tracks))
        axes.set(xlim=(-edge, edge), ylim=(-edge, edge))
        if places is None:
            axes.axhline(0, color=INK, linewidth=0.5)
            axes.axvline(0, color=INK, linewidth=0.5)
            axes.set(xlabel="valence", ylabel="arousal")
        else:
            axes.set(xlabel="tracks that sound alike are close to each other", xticks=[], yticks=[])
        if tracks:
            figure.legend(loc="outside upper center", ncols=len(EMOTIONS), frameon=False)
        out = io.BytesIO()
        figure.savefig(out, format=kind, dpi=130, metadata=PICTURE_METADATA[kind])
    return out.getvalue()


def map_page(tracks: Sequence[Track]) -> str:
    """The library as an HTML document; the same tracks give the same text.

    Parameters
    ----------
    tracks : sequence of Track
    """
    script = files("soundtrack.export.page").joinpath("map.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; media-src file:;"
        " base-uri 'none'; form-action 'none'"
    )
    reach = _reach(tracks)
    dots = [_dot(track, reach) for track in tracks]
    legend = [(name, COLOURS[name]) for name in EMOTIONS if any(t.emotion.label == name for t in tracks)]
    return rendered("map.html.jinja", policy=policy, script=script, dots=dots, legend=legend, reach=reach)


def _reach(tracks: Sequence[Track]) -> float:
    """How far the plane is drawn, in (0, 1]: moods of a library lie near the middle."""
    return min(1.0, max((_LEAST_REACH, *(max(abs(t.emotion.valence), abs(t.emotion.arousal)) for t in tracks))))


def _dot(track: Track, reach: float) -> _Dot:
    """A track with its place and texts."""
    tags, mood, tempo = track.tags, track.emotion, track.analysis.tempo_bpm
    title = one_line(tags.title or track.path.name)
    name = f"{one_line(tags.artist)} - {title}" if tags.artist else title
    parts = [mood.label, clock(track.audio.duration_s), "no beat" if tempo is None else f"{tempo:.0f} bpm"]
    parts += [one_line(text) for text in (track.analysis.key, tags.genre) if text]
    parts.append(f"valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f}")
    said = (name, *parts, one_line(tags.album or ""), one_line(str(track.path)))
    return _Dot(
        left=_percent(mood.valence / reach),
        top=_percent(-mood.arousal / reach),
        colour=COLOURS[mood.label],
        name=name,
        facts=", ".join(parts),
        words=" ".join(said).lower(),
        url=file_url(str(track.path.absolute())),
    )


def _percent(value: float) -> str:
    """A place on an axis from -1 to 1, in percent.

    Examples
    --------
    >>> _percent(0.0), _percent(-1.0)
    ('50.00', '4.00')
    """
    return f"{100 * (_EDGE + (1 - 2 * _EDGE) * (value + 1) / 2):.2f}"
