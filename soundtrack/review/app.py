"""ASGI application of a review: the page, its state, the film, blocks of music, and steps.

All addresses are below the token. Files are named by this module alone: the film, the page, and three static files.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from soundtrack import api
from soundtrack.errors import SoundtrackError
from soundtrack.naming.wording import counted
from soundtrack.pipeline.ground.preferences import note_edit
from soundtrack.progress import Progress
from soundtrack.review.cuts import kept_cuts
from soundtrack.review.guard import Guard
from soundtrack.review.jobs import Jobs, refusal
from soundtrack.review.nearby import nearby
from soundtrack.review.opening import Reviewed, Shown
from soundtrack.review.session import ConflictError, Session, Step
from soundtrack.review.sound import BLOCK_S, Sounds, SupersededError
from soundtrack.review.steps import planned_again, step_of, vocals_lowered_again
from soundtrack.review.view import UNKNOWN_CONDITIONS, state_of

STATIC = {
    "review.css": "text/css",
    "ask.js": "text/javascript",
    "review.js": "text/javascript",
    "player.js": "text/javascript",
    "waves.js": "text/javascript",
    "ab.js": "text/javascript",
    "map.css": "text/css",
    "map.js": "text/javascript",
    "wavesurfer.esm.js": "text/javascript",
}
"""Files of the page and their types."""


@dataclass(frozen=True, slots=True)
class Served:
    """An application and its token."""

    app: Starlette
    """To be served on the loopback address."""
    token: str
    """First part of every address."""


def make_app(reviewed: Reviewed, *, port: int, index: Path | None = None, shown: Shown | None = None) -> Served:
    """The application of a review.

    Parameters
    ----------
    reviewed : Reviewed
        Cue sheet and film.
    port : int
        Where it will be served.
    index : Path, optional
        Folder of the library index.
    shown : Shown, optional
        What the browser plays in place of the film.

    Raises
    ------
    InputError
        The sheet cannot be read, or a track is missing.
    """
    token, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(16)
    room = _Room(reviewed, index=index, nonce=nonce, shown=shown)
    routes = [
        Route("/", room.page),
        Route("/state", room.state),
        Route("/film", room.film),
        Route("/static/{name}", static),
        Route("/music/{key}/{number:int}", room.music),
        Route("/wave/{key}/{cue}", room.wave),
        Route("/gains/{key}", room.gains),
        Route("/replaced/{key}", room.replaced),
        Route("/bars/{key}/{cue}", room.bars),
        Route("/cuts", room.cuts),
        Route("/job", room.job),
        *(Route(f"/{name}", room.post, methods=["POST"]) for name in room.posts),
    ]
    return guarded(routes, token=token, nonce=nonce, port=port)


def guarded(routes: Sequence[Route], *, token: str, nonce: str, port: int) -> Served:
    """An application with some routes below a token, behind the guard of `soundtrack.review.guard`."""
    hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))
    app = Starlette(
        routes=[Mount(f"/{token}", routes=routes)],
        middleware=[Middleware(Guard, hosts=hosts, nonce=nonce)],
        exception_handlers={ConflictError: _conflict, SoundtrackError: _refusal},
    )
    return Served(app, token)


def filled(template: str, values: Mapping[str, object]) -> Response:
    """A page from a template of this package."""
    from jinja2 import Environment, StrictUndefined

    templates = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    text = files("soundtrack.review").joinpath(template).read_text(encoding="utf-8")
    return HTMLResponse(templates.from_string(text).render(**values))


def static(request: Request) -> Response:
    """One of the files in `STATIC`."""
    name = request.path_params["name"]
    if name not in STATIC:
        return Response(status_code=404)
    data = files("soundtrack.review").joinpath("static", name).read_bytes()
    return Response(data, media_type=STATIC[name])


async def asked_of(request: Request) -> dict[str, Any] | None:
    """The JSON object in the body of a request; None for anything else."""
    try:
        asked = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None
    return asked if isinstance(asked, dict) else None


class _Room:
    """The endpoints of one review."""

    def __init__(self, reviewed: Reviewed, *, index: Path | None, nonce: str, shown: Shown | None = None) -> None:
        self._film, self._index, self._nonce = reviewed.film, index, nonce
        self._shown = shown or Shown.itself(reviewed.film)
        self._session = Session(reviewed.cues, reviewed.film.path)
        self._sounds = Sounds(reviewed.film, index=index)
        self._jobs = Jobs()
        self._sounds.add(*self._session.saved)
        self.posts: dict[str, Callable[[dict[str, Any]], dict[str, object]]] = {
            "edit": self._edit,
            "undo": lambda asked: self._travel(self._session.undo, asked),
            "redo": lambda asked: self._travel(self._session.redo, asked),
            "try": self._try,
            "plan": self._plan,
            "render": self._render,
        }

    # --- what is read ----

    def page(self, _request: Request) -> Response:
        """The page itself."""
        self._sounds.warm()
        values = {"film": self._film.path.name, "sheet": self._session.path.name, "nonce": self._nonce}
        return filled("page.html.jinja", {**values, "block_s": BLOCK_S, "start_s": self._shown.start_s})

    def state(self, _request: Request) -> Response:
        """Everything that the page shows."""
        return JSONResponse(self._state())

    def film(self, _request: Request) -> Response:
        """The film, by ranges."""
        return FileResponse(self._shown.path)

    def music(self, request: Request) -> Response:
        """A block of music."""
        data = self._sounds.block(request.path_params["key"], request.path_params["number"])
        return Response(data, media_type="application/octet-stream")

    def wave(self, request: Request) -> Response:
        """The waveform of a cue."""
        return JSONResponse(self._sounds.wave(request.path_params["key"], request.path_params["cue"]))

    def gains(self, request: Request) -> Response:
        """The constant gains of the mix; null where another sheet was saved while they were measured."""
        with contextlib.suppress(SupersededError):
            return JSONResponse(self._sounds.gains(request.path_params["key"]))
        return JSONResponse(None)

    def replaced(self, request: Request) -> Response:
        """What is said of tracks whose files were replaced."""
        return JSONResponse(self._sounds.replaced(request.path_params["key"]))

    def bars(self, request: Request) -> Response:
        """The bar lines of a cue."""
        return JSONResponse(self._sounds.bars(request.path_params["key"], request.path_params["cue"]))

    def cuts(self, _request: Request) -> Response:
        """The cuts of the film, where they are known."""
        return JSONResponse(kept_cuts(self._film.path))

    def job(self, _request: Request) -> Response:
        """How far the running job is."""
        return JSONResponse(self._jobs.status())

    # --- what changes something ----

    async def post(self, request: Request) -> Response:
        """One step."""
        asked = await asked_of(request)
        if asked is None:
            return JSONResponse({"error": "expected a JSON object", "hint": "reload the page"}, status_code=422)
        name = request.url.path.rpartition("/")[2]
        return JSONResponse(await run_in_threadpool(self.posts[name], asked))

    def _state(self, warnings: Sequence[str] = ()) -> dict[str, object]:
        return state_of(self._session, key=self._sounds.add(*self._session.saved), warnings=warnings)

    def _edit(self, asked: dict[str, Any]) -> dict[str, object]:
        before = self._session.step.sheet
        self._session.change(str(asked.get("revision")), step_of(asked, index=self._index, beside=self._session.path))
        if asked.get("action") == "more":  # another track like a good one says nothing against the good one
            return self._state()
        return self._state(note_edit(before, self._session.step.sheet))

    def _travel(self, how: Callable[[str], None], asked: dict[str, Any]) -> dict[str, object]:
        before = self._session.step.sheet
        how(str(asked.get("revision")))
        return self._state(note_edit(before, self._session.step.sheet))

    def _try(self, asked: dict[str, Any]) -> dict[str, object]:
        """The key of the sheet around a cue as it would be after a swap, also of a locked cue: nothing is saved."""
        near = Step(nearby(self._session.step.sheet, str(asked.get("cue"))))
        unlocked = step_of({**asked, "action": "unlock"}, index=self._index)(near)
        step = step_of({**asked, "action": "swap"}, index=self._index)(unlocked)
        return {"key": self._sounds.add(step.sheet)}

    def _plan(self, asked: dict[str, Any]) -> dict[str, object]:
        revision = str(asked.get("revision"))
        self._session.change(revision, lambda step: step)  # a page of another revision is refused before the work
        self._jobs.start("plan", partial(self._planned, revision, self._session.step))
        return self._jobs.status()

    def _planned(self, revision: str, step: Step, progress: Progress) -> str:
        after = planned_again(self._film.path, step, index=self._index, progress=progress)
        with vocals_lowered_again(
            after, step.sheet, beside=self._session.path, index=self._index, progress=progress
        ) as lowered:
            self._session.change(revision, lambda _: lowered)
        unknown = "" if step.sheet.conditions is not None else f"; {UNKNOWN_CONDITIONS}"
        return f"planned again: {counted(len(after.sheet.cues), 'cue')}{unknown}"

    def _render(self, asked: dict[str, Any]) -> dict[str, object]:
        sheet, force = self._session.step.sheet, bool(asked.get("force"))

        def work(progress: Progress) -> str:
            report = api.render(
                self._film.path,
                sheet,
                inputs=[self._session.path],
                index=self._index,
                force=force,
                progress=progress,
            )
            with contextlib.suppress(SoundtrackError):
                self._session.note_levels(sheet, report.sheet)
            return "; ".join((report.summary()[0], *report.warnings))

        self._jobs.start("render", work)
        return self._jobs.status()


def _conflict(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error), "hint": "do it again if it is still wanted"}, status_code=409)


def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SoundtrackError)
    return JSONResponse(refusal(error), status_code=422)
