"""ASGI application of a blind comparison: the page, both sounds of a pair, and answers.

The page does not know which side is which; after an answer it receives only the number of pairs left.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from soundtrack.documents.answers import CHOICES, Answer
from soundtrack.errors import UsageError
from soundtrack.review.ab.pairs import Trial, still_open
from soundtrack.review.ab.results import as_json, results
from soundtrack.review.ab.sounds import Heard, sound_of
from soundtrack.review.answers import append_answer, read_answers
from soundtrack.review.app import Served, asked_of, filled, guarded, static
from soundtrack.review.opening import Shown
from soundtrack.review.sound import Sounds
from soundtrack.types import CueSheet, VideoInfo


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared."""

    film: VideoInfo
    """The film."""
    sheet: CueSheet
    """The plan."""
    trials: tuple[Trial, ...]
    """Pairs in their order."""
    answers: Path
    """File of the answers."""
    index: Path | None = None
    """Folder of the library index."""
    former: CueSheet | None = None
    """The earlier sheet of the opponent ``former``."""


def make_ab_app(compared: Comparison, *, port: int, shown: Shown | None = None) -> Served:
    """The application of a blind comparison.

    Raises
    ------
    InputError
        The film or the file of answers cannot be read.
    """
    token, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(16)
    room = _Room(compared, nonce=nonce, shown=shown)
    routes = [
        Route("/", room.page),
        Route("/film", room.film),
        Route("/static/{name}", static),
        Route("/pair", room.pair),
        Route("/sound/{number:int}/{side}", room.sound),
        Route("/results", room.results),
        Route("/answer", room.answer, methods=["POST"]),
    ]
    return guarded(routes, token=token, nonce=nonce, port=port)


class _Room:
    """The endpoints of one comparison."""

    def __init__(self, compared: Comparison, *, nonce: str, shown: Shown | None) -> None:
        self._compared, self._nonce, self._file = compared, nonce, shown or Shown.itself(compared.film)
        self._lock = threading.Lock()
        self._open = still_open(compared.trials, self._answers(), film=compared.sheet.film.fingerprint)
        self._number = 0
        self._heard: tuple[int, Heard] | None = None
        self._gains_db: tuple[float, float] | None = None

    def page(self, _request: Request) -> Response:
        """The page itself."""
        film = self._compared.film
        values = {"film": film.path.name, "start_s": self._file.start_s, "duration_s": film.duration_s}
        return filled("ab.html.jinja", values)

    def film(self, _request: Request) -> Response:
        """The film, by ranges."""
        return FileResponse(self._file.path)

    def pair(self, _request: Request) -> Response:
        """The pair at hand."""
        return JSONResponse(self._shown())

    def sound(self, request: Request) -> Response:
        """A side of the pair at hand: float32, little-endian, all left samples, then all right ones."""
        number, side = request.path_params["number"], request.path_params["side"]
        with self._lock:
            if number != self._number or side not in ("left", "right") or not self._open:
                raise UsageError("this pair is no longer open", hint="reload the page")
            if self._heard is None or self._heard[0] != number:
                self._heard = (number, self._mixed(self._open[0]))
            heard = self._heard[1]
        sound = heard.left if side == "left" else heard.right
        return Response(sound.astype("<f4").tobytes(), media_type="application/octet-stream")

    def results(self, _request: Request) -> Response:
        """The results so far, for when all pairs are answered."""
        film = self._compared.sheet.film
        own = [a for a in self._answers() if a.film == film.fingerprint]
        return JSONResponse(as_json(results(own), film=film.name))

    async def answer(self, request: Request) -> Response:
        """Keep an answer."""
        asked = await asked_of(request)
        if asked is None:
            raise UsageError("expected a JSON object", hint="reload the page")
        return JSONResponse(await run_in_threadpool(partial(self._answered, asked.get("number"), asked.get("choice"))))

    def _answered(self, number: object, choice: object) -> dict[str, object]:
        with self._lock:
            if number != self._number or not self._open:
                raise UsageError("this pair is no longer open", hint="reload the page")
            if choice not in CHOICES:
                raise UsageError(f"choice: expected one of {', '.join(CHOICES)}", hint="reload the page")
            trial = self._open[0]
            append_answer(
                self._compared.answers,
                Answer(
                    film=self._compared.sheet.film.fingerprint,
                    scene=trial.scene,
                    start_s=trial.span.start_s,
                    end_s=trial.span.end_s,
                    against=trial.against,
                    pair=trial.pair,
                    left=trial.left,
                    right=trial.right,
                    choice=str(choice),
                    time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                ),
            )
            self._open, self._number = self._open[1:], self._number + 1
        return self._shown()

    def _shown(self) -> dict[str, object]:
        if not self._open:
            return {"left": 0}
        span = self._open[0].span
        return {"left": len(self._open), "number": self._number, "start_s": span.start_s, "end_s": span.end_s}

    def _answers(self) -> tuple[Answer, ...]:
        return read_answers(self._compared.answers)

    def _mixed(self, trial: Trial) -> Heard:
        at = self._compared
        if self._gains_db is None:
            sounds = Sounds(at.film, index=at.index)
            gains = sounds.gains(sounds.add(at.sheet))
            self._gains_db = (gains["music_gain_db"], gains["master_gain_db"])
        return sound_of(trial, at.sheet, at.film, index=at.index, gains_db=self._gains_db, former=at.former)
