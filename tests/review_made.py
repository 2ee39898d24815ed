"""A small film with a planned cue sheet beside it, and a client that speaks as the review page does."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from media_made import Made
from soundtrack import pipeline
from soundtrack.pipeline.sheets.sheet_files import write_cues
from soundtrack.review.app import make_app
from soundtrack.review.opening import find_reviewed
from soundtrack.types import CueSheet

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"


def planned(made: Made) -> CueSheet:
    """The cue sheet of the made film."""
    return pipeline.plan_video(made.film, index=made.index, device="cpu")


def lay_out(folder: Path, made: Made, sheet: CueSheet) -> Path:
    """A copy of the film with its cue sheet; the path of the sheet."""
    shutil.copy(made.film, folder / made.film.name)
    path = folder / "film.cues.json"
    write_cues(sheet, path)
    return path


@dataclass
class Page:
    """One window: keeps the state that it was given last."""

    client: TestClient
    base: str
    state: dict[str, Any]

    def get(self, path: str) -> Any:
        """An answer."""
        return self.client.get(f"{self.base}{path}")

    def post(self, path: str, **body: Any) -> Any:
        """A step; the state is that of the answer where it has one."""
        answer = self.client.post(
            f"{self.base}{path}", json={"revision": self.state["revision"], **body}, headers={"Origin": ORIGIN}
        )
        if "revision" in answer.json():
            self.state = answer.json()
        return answer

    def another(self) -> Page:
        """A second window of the same page."""
        return replace(self, state=self.get("state").json())


def open_page(cues: Path, made: Made, *, film: Path | None = None) -> Page:
    """A window on a sheet."""
    served = make_app(find_reviewed(cues, film=film), port=PORT, index=made.index)
    client = TestClient(served.app, base_url=ORIGIN)
    page = Page(client, f"/{served.token}/", {})
    return page.another()
