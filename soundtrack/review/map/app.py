"""ASGI application of the map of a library: the page, its tracks and their sound, requests in words, playlists.

Tracks are named by their number in the map; no path comes from the page. A playlist is written to one folder, under a
name without folders, and never over another file.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.export import FORMATS
from soundtrack.export.clips import one_line
from soundtrack.export.page.picture import COLOURS
from soundtrack.export.track_lists import playlist_text
from soundtrack.files.safe_write import write_text
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.library.asking import Asked, Asking, understood
from soundtrack.pipeline.library.mapped import Mapped
from soundtrack.queries.query import LikeClause
from soundtrack.queries.resolve import understand
from soundtrack.review.app import Served, asked_of, filled, guarded, static
from soundtrack.review.map.path import along_path
from soundtrack.timebase import clock
from soundtrack.types import EMOTIONS, Track

MOST_POINTS = 400
"""Corners of a drawn line."""
MOST_TRACKS = 200
"""Tracks of a playlist."""
_LONGEST_TEXT = 200
_NAME = re.compile(r"[^\\/:*?\"<>|\x00-\x1f]{1,100}")


def make_map_app(
    mapped: Mapped, ask: Callable[[], AbstractContextManager[Asking]], *, folder: Path, port: int
) -> Served:
    """The application of a map.

    Parameters
    ----------
    mapped : Mapped
        At least one track.
    ask : callable
        Opens the library for a request in words; a context manager.
    folder : Path
        Where playlists are written.
    port : int
        Where it will be served.
    """
    token, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(16)
    room = _Room(mapped, ask, folder=folder)
    routes = [
        Route("/", room.page),
        Route("/static/{name}", static),
        Route("/tracks", room.tracks),
        Route("/track/{number:int}", room.track),
        *(Route(f"/{name}", room.post, methods=["POST"]) for name in room.posts),
    ]
    return guarded(routes, token=token, nonce=nonce, port=port)


class _Room:
    """The endpoints of one map."""

    def __init__(self, mapped: Mapped, ask: Callable[[], AbstractContextManager[Asking]], *, folder: Path) -> None:
        self._mapped, self._ask, self._folder = mapped, ask, folder
        self._lock = threading.RLock()
        self._last: tuple[str, list[int], str] | None = None
        self._paths = {str(track.path) for track in mapped.tracks}
        self.posts: dict[str, Callable[[dict[str, Any]], dict[str, object]]] = {
            "ask": self._asked,
            "path": self._path,
            "save": self._save,
        }

    def page(self, _request: Request) -> Response:
        """The page itself."""
        return filled("map.html.jinja", {"n": len(self._mapped.tracks), "folder": self._folder})

    def tracks(self, _request: Request) -> Response:
        """All tracks with their places."""
        at = self._mapped
        own = [
            {**_shown(track), "mood": [round(float(v), 4) for v in mood], "likeness": [float(v) for v in likeness]}
            for track, mood, likeness in zip(at.tracks, at.mood, at.likeness, strict=True)
        ]
        legend = [[name, COLOURS[name]] for name in EMOTIONS if any(t.emotion.label == name for t in at.tracks)]
        return JSONResponse({"tracks": own, "legend": legend})

    def track(self, request: Request) -> Response:
        """The file of a track, by ranges."""
        number = request.path_params["number"]
        if number >= len(self._mapped.tracks):
            return Response(status_code=404)
        path = self._mapped.tracks[number].path
        if not path.is_file():
            raise InputError(f"{path.name}: no such file", hint="run `soundtrack index` again", reason=Reason.MISSING)
        return FileResponse(path)

    async def post(self, request: Request) -> Response:
        """A request in words, a line, or a playlist."""
        asked = await asked_of(request)
        if asked is None:
            raise UsageError("expected a JSON object", hint="reload the page")
        name = request.url.path.rpartition("/")[2]
        return JSONResponse(await run_in_threadpool(self.posts[name], asked))

    def _asked(self, asked: dict[str, Any]) -> dict[str, object]:
        """The tracks that answer a request in words, best first, and how it was understood."""
        numbers, said = self._filtered(asked.get("text"))
        return {"numbers": numbers, "understood": said}

    def _filtered(self, text: object) -> tuple[list[int], str]:
        if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
            raise UsageError(f"text: expected 1 to {_LONGEST_TEXT} characters", hint="use a shorter text")
        with self._lock:
            if self._last is None or self._last[0] != text:
                with self._ask() as asking:
                    self._refuse_other_files(text, asking)
                    found = asking.ask(text)
                number = {track.track_id: i for i, track in enumerate(self._mapped.tracks)}
                self._last = (text, [number[i] for i in _answering(found) if i in number], understood(found))
            return self._last[1], self._last[2]

    def _refuse_other_files(self, text: str, asking: Asking) -> None:
        """Refuse the names of files that the map does not show: a page reads no path of its own."""
        names = [text.strip()]
        if not os.path.exists(as_on_disk(Path(names[0]).expanduser())):  # noqa: PTH110 - words may be too long for one
            names = [c.name for c in understand(text, asking.known).clauses if isinstance(c, LikeClause)]
        for name in names:
            path = as_on_disk(Path(name).expanduser())
            if os.path.exists(path) and str(path.absolute()) not in self._paths:  # noqa: PTH110 - as above
                raise UsageError(f"{name}: not a track of this map", hint="name a track of the library")

    def _path(self, asked: dict[str, Any]) -> dict[str, object]:
        """The tracks along a line on one of the two planes."""
        view, n = asked.get("view"), asked.get("n")
        if view not in ("mood", "likeness"):
            raise UsageError("view: expected mood or likeness", hint="reload the page")
        if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MOST_TRACKS:
            raise UsageError(f"n: expected 1 to {MOST_TRACKS} tracks", hint="use another number of tracks")
        line = _line(asked.get("points"))
        among = self._filtered(asked["text"])[0] if asked.get("text") else None
        places = self._mapped.mood if view == "mood" else self._mapped.likeness
        return {"numbers": along_path(places, line, n=n, among=among)}

    def _save(self, asked: dict[str, Any]) -> dict[str, object]:
        """Write a playlist."""
        name, numbers = asked.get("name"), self._numbers(asked.get("numbers"))
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.strip(" .") != name:
            raise UsageError("invalid name of a playlist", hint="use a name without folders, such as evening")
        if not numbers:
            raise UsageError("the playlist is empty", hint="draw a path first")
        target = self._folder / (name if name.lower().endswith(".m3u8") else f"{name}.m3u8")
        write_text(target, playlist_text([self._mapped.tracks[i] for i in numbers]), kind=FORMATS["m3u"].kind)
        return {"saved": str(target)}

    def _numbers(self, value: object) -> list[int]:
        """Numbers of tracks as a page sends them."""
        if not isinstance(value, list) or len(value) > MOST_TRACKS:
            raise UsageError("expected a list of tracks", hint="reload the page")
        for number in value:
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(self._mapped.tracks):
                raise UsageError(f"unknown track {number!r}", hint="reload the page")
        return value


def _line(points: object) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A drawn line, shape (k, 2)."""
    if isinstance(points, list) and 1 <= len(points) <= MOST_POINTS:
        try:
            line = np.array(points, np.float64)
        except (ValueError, TypeError, OverflowError):
            line = np.zeros(0)
        if line.shape == (len(points), 2) and np.isfinite(line).all():
            return np.clip(line, -1.0, 1.0)
    raise UsageError(f"points: expected 1 to {MOST_POINTS} pairs of numbers", hint="draw the path again")


def _answering(asked: Asked) -> Sequence[str]:
    """Ids of the tracks for which every clause of a request speaks, or nothing is known, best first."""
    kept = np.asarray(
        ~asked.answer.broken.any(axis=0) & (asked.answer.values >= 0).all(axis=0) & (asked.answer.merit > 0)
    )
    return [asked.tracks[i].track_id for i in asked.answer.order() if kept[i]]


def _shown(track: Track) -> dict[str, object]:
    """Texts of a track."""
    tags, mood, tempo = track.tags, track.emotion, track.analysis.tempo_bpm
    title = one_line(tags.title or track.path.name)
    parts = [mood.label, clock(track.audio.duration_s), "no beat" if tempo is None else f"{tempo:.0f} bpm"]
    parts += [one_line(text) for text in (track.analysis.key, tags.genre) if text]
    return {
        "name": f"{one_line(tags.artist)} - {title}" if tags.artist else title,
        "facts": ", ".join([*parts, f"valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f}"]),
        "colour": COLOURS[mood.label],
    }
