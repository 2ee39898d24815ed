"""Build a library index from folders, with local or cluster workers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import UsageError
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
    pace: float | None = None,
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
    pace : float, optional
        Share of all cores of this machine to take, in (0, 1].

    Raises
    ------
    UsageError
        `pace` is out of range, or given together with `cluster`.
    LibraryError
        Another run holds the index, another model made it, it is damaged, or most of a root has vanished.
    """
    from soundtrack.library.update import build

    if pace is not None and not 0.0 < pace <= 1.0:
        raise UsageError(f"pace must be in (0, 1], got {pace}", hint="use e.g. 0.25 for a quarter of the processor")
    if pace is not None and cluster is not None:
        raise UsageError(
            "--pace cannot be used with --cluster",
            hint="start the workers with `nice dask worker ADDRESS --nthreads 1`",
        )
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
        imports=music.needed(device),
        crew=crew,
        pace=pace,
        rebuild=rebuild,
        prune=prune,
        retry_failed=retry_failed,
        wait=wait,
        change=change,
        channels=music.music_channels(device, projection.channels),
        projection=projection,
        progress=progress,
    )
