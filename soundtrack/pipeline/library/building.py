"""Build a library index from folders, with local or cluster workers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.library import music
from soundtrack.progress import Progress, no_progress

if TYPE_CHECKING:
    from soundtrack.library.report import IndexReport
    from soundtrack.library.search.rules import RuleChange


def build_index(
    paths: Sequence[Path],
    folder: Path | None,
    *,
    jobs: int = 0,
    device: str = "auto",
    rebuild: bool = False,
    prune: bool = False,
    retry_failed: bool = False,
    wait: bool = False,
    change: RuleChange | None = None,
    cluster: str | None = None,
    progress: Progress = no_progress,
) -> IndexReport:
    """Analyse what is new or changed under some paths and bring the library index up to date.

    Parameters
    ----------
    paths : sequence of Path
        Folders and files; may be empty to look again at the ones the index knows.
    folder : Path, optional
        Where the index lies.
    jobs : int >= 0
        Worker processes; 0 is one per core.
    change : RuleChange, optional
        How the rules of what counts as music are to change first.
    cluster : str, optional
        Address of a Dask scheduler whose workers listen; processes of this machine by default.

    Raises
    ------
    LibraryError
        Another run holds the index, another model made it, it is damaged, or most of a root has vanished.
    """
    from soundtrack.library.update import build

    projection = music.music_projection()
    crew = None
    if cluster is not None:
        from soundtrack.pipeline.library.cluster import ClusterCrew

        crew = ClusterCrew(cluster, model=music.current_model(), device=device)
    return build.build_index(
        [as_on_disk(path) for path in paths],
        music.index_dir(folder),
        model=music.current_model(),
        make_listener=partial(music.make_listener, device),
        jobs=jobs,
        imports=music.NEEDED,
        crew=crew,
        rebuild=rebuild,
        prune=prune,
        retry_failed=retry_failed,
        wait=wait,
        change=change,
        channels=music.music_channels(device, projection.channels),
        projection=projection,
        progress=progress,
    )
