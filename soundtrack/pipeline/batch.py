"""Many films, one after the other: a list of them becomes a scored film each, and one that fails stops no other.

Goes in: films, and how they are to be scored. Comes out: `BatchReport`. The library and the networks
are opened once, and where there are two cores, the next film is watched while one is rendered. A film whose scored
film and cue sheet are both there counts as finished, so a run that was interrupted is started again with the same
words. With a cluster, whole films are given to its workers, which must see films, music and index under the same paths.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from soundtrack.errors import (
    DependencyError,
    ExitCode,
    ModelError,
    OutputError,
    SoundtrackError,
)
from soundtrack.files.safe_write import made_folder
from soundtrack.library.store.files import DATABASE_FILES
from soundtrack.media.prefetch import ahead
from soundtrack.pipeline.ground.analysis_cache import user_folder
from soundtrack.pipeline.library.music import current_model, index_dir
from soundtrack.pipeline.scorer import Scorer
from soundtrack.pipeline.sheets.batch_names import batch_path, films_of_one_name, refuse_twins
from soundtrack.pipeline.sheets.conditions import unmet
from soundtrack.pipeline.sheets.targets import cues_path
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.processes.platform import n_cores
from soundtrack.progress import Progress, no_progress
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.types import SceneSheet, VideoInfo

FOLDER_OPTION = "-o DIR"
"""Names the folder of all scored films of a batch, for hints."""


class FilmState(StrEnum):
    """What became of a film of a batch."""

    SCORED = "scored"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FilmOutcome:
    """What became of one film."""

    film: str
    """Where it lies."""
    state: FilmState
    """Scored now, finished before, or failed."""
    output: str | None = None
    """The scored film; None where it failed before its name was known."""
    message: str = ""
    """Why it failed, one line."""
    hint: str = ""
    """What to type next."""
    exit_code: int = ExitCode.OK
    """What `soundtrack score` of this film alone would end with."""
    warnings: tuple[str, ...] = ()
    """What could not be done as asked."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of all films."""

    films: tuple[FilmOutcome, ...]
    """In the order of the list."""

    def count(self, state: FilmState) -> int:
        """How many films came to that."""
        return sum(film.state is state for film in self.films)

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            **{state.value: self.count(state) for state in FilmState},
            "films": [asdict(film) for film in self.films],
        }


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """How every film of a batch is to be scored."""

    index: Path | None = None
    """Folder of the library index; the user's own by default."""
    folder: Path | None = None
    """Where scored films go, made if missing; beside each film by default."""
    device: str = "auto"
    """Where the networks run."""
    decoder: str = "auto"
    """Who decodes the picture."""
    settings: SpottingSettings = field(default_factory=SpottingSettings)
    """Of the choice of music."""
    mix: MixSettings = field(default_factory=MixSettings)
    """Of the mix."""
    wishes: Wishes = field(default_factory=Wishes)
    """Demands on the music of every film."""
    music_track: bool = False
    """Whether the music becomes a stream of its own."""
    force: bool = False
    """Whether finished films are scored again."""
    cache: Path | None = None
    """Folder in which analyses are kept and looked up."""


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """How one film of a batch is to be scored; `SHARED_WISHES` are always those of the batch."""

    settings: SpottingSettings
    """Of the choice of music."""
    mix: MixSettings
    """Of the mix."""
    wishes: Wishes
    """Demands on the music."""


class KeptScorer:
    """Library and networks that stay open from one call of `score_batch` to the next.

    They are opened again once the order, the library, or a file that the order names has changed.
    """

    def __init__(self) -> None:
        self._scorer: Scorer | None = None
        self._of: tuple[BatchOrder, tuple[tuple[int, int], ...]] | None = None

    def scorer(self, order: BatchOrder) -> Scorer:
        """What scores films by an order.

        Raises
        ------
        LibraryError, UsageError, InputError
            No film could be scored like that.
        """
        asked = (replace(order, force=False), _states(order))
        if self._scorer is None or self._of != asked:
            self._scorer, self._of = _scorer(order), asked
        return self._scorer


def _states(order: BatchOrder) -> tuple[tuple[int, int], ...]:
    """What changes when the library or a file that an order names is written; zeros for what is not there or empty."""
    wishes, there = order.wishes, index_dir(order.index)
    named = [Path(name).expanduser() for name in (wishes.track, wishes.theme) if name]
    named += [] if wishes.narration is None else [wishes.narration.path]
    found = []
    for path in (*(there / name for name in DATABASE_FILES[:2]), *named):
        try:
            status = path.stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((status.st_size, status.st_mtime_ns if status.st_size else 0))
    return tuple(found)


def score_batch(
    films: Sequence[Path],
    order: BatchOrder,
    *,
    own: Mapping[Path, FilmOrder] | None = None,
    cluster: str | None = None,
    kept: KeptScorer | None = None,
    among: Sequence[Path] | None = None,
    progress: Progress = no_progress,
) -> BatchReport:
    """Score films; what fails is reported and stops no other.

    Parameters
    ----------
    films : sequence of Path
        As from `listed_films`.
    order : BatchOrder
        How.
    own : mapping of Path to FilmOrder, optional
        Films that are to be scored otherwise.
    cluster : str, optional
        Address of a Dask scheduler whose workers do it; this process by default.
    kept : KeptScorer, optional
        Keeps library and networks open for the next call.
    among : sequence of Path, optional
        More films that are scored into the same place, by other calls.
    progress : callable
        Called with ``("scoring", done, total)``.

    Raises
    ------
    LibraryError, UsageError, ModelError, DependencyError
        No film could be scored like that.
    """
    keep = films_of_one_name(films if among is None else [*films, *among], order.folder)
    refuse_twins(films, order.folder, keep=keep.intersection(films), option=FOLDER_OPTION)
    done: dict[str, FilmOutcome] = {}
    progress("scoring", 0, len(films))
    scorer = (kept or KeptScorer()).scorer(order)  # refuses what no film could do with, before any work is given away
    orders = {film: (own or {}).get(film) for film in films}
    with nullcontext() if order.folder is None else made_folder(order.folder, option=FOLDER_OPTION):
        outcomes = _one_by_one(scorer, order, orders, keep) if cluster is None else _on(cluster, orders, order, keep)
        for outcome in outcomes:
            done[outcome.film] = outcome
            progress("scoring", len(done), len(films))
    return BatchReport(tuple(done[str(film)] for film in films))


def _scorer(order: BatchOrder) -> Scorer:
    return Scorer(
        index=order.index,
        device=order.device,
        decoder=order.decoder,
        settings=order.settings,
        mix=order.mix,
        wishes=order.wishes,
        cache=order.cache,
        option=FOLDER_OPTION,
    )


@dataclass(frozen=True, slots=True)
class _Watched:
    """A film that was watched and waits for its music."""

    film: Path
    """As in the list."""
    scorer: Scorer
    """Of this film."""
    info: VideoInfo
    """As probed."""
    out: Path
    """Where the scored film goes."""
    scenes: SceneSheet
    """What its picture and sound say."""


def _one_by_one(
    scorer: Scorer, order: BatchOrder, films: Mapping[Path, FilmOrder | None], keep: Collection[Path]
) -> Generator[FilmOutcome]:
    """Films scored in their order; each is watched while the one before is rendered, if there are cores for both."""
    scorers = {film: _scorer_for(scorer, film, own) for film, own in films.items()}
    watched = (
        _watch(its, order, film, keeps_suffix=film in keep) if isinstance(its, Scorer) else its
        for film, its in scorers.items()
    )
    for item in ahead(watched) if n_cores() > 1 else watched:
        yield item if isinstance(item, FilmOutcome) else _render(item, order)


def _scorer_for(scorer: Scorer, film: Path, own: FilmOrder | None) -> Scorer | FilmOutcome:
    """The scorer of a film, made in this thread, to which the library belongs; or why there is none."""
    if own is None:
        return scorer
    try:
        return scorer.changed(settings=own.settings, mix=own.mix, wishes=own.wishes)
    except Exception as error:
        return _failure(film, None, error)


def _watch(scorer: Scorer, order: BatchOrder, film: Path, *, keeps_suffix: bool) -> _Watched | FilmOutcome:
    """A film with its scenes; or what became of it already."""
    from soundtrack.media.reading.probe import probe

    out: Path | None = None
    try:
        info = probe(film)
        out = batch_path(info, order.folder, keeps_suffix=keeps_suffix)
        if not order.force and _is_finished(out):
            said = unmet(cues_path(out), scorer.conditions, film=film, scored=out)
            return FilmOutcome(str(film), FilmState.FINISHED, str(out), warnings=said)
        scenes = scorer.scenes(info, out=out, music_track=order.music_track, force=order.force)
        return _Watched(film, scorer, info, out, scenes)
    except Exception as error:
        return _finished_elsewhere(film, out, order, error) or _failure(film, out, error)


def _finished_elsewhere(film: Path, out: Path | None, order: BatchOrder, error: Exception) -> FilmOutcome | None:
    """What became of a film that another run into the same folder has finished meanwhile; None for all others."""
    if isinstance(error, OutputError) and out is not None and not order.force and _is_finished(out):
        return FilmOutcome(str(film), FilmState.FINISHED, str(out))
    return None


def _is_finished(out: Path) -> bool:
    """Whether a scored film is there with its cue sheet."""
    return out.is_file() and cues_path(out).is_file()


def _render(seen: _Watched, order: BatchOrder) -> FilmOutcome:
    """What becomes of a film that was watched."""
    try:
        scored = seen.scorer.score(
            seen.info, out=seen.out, music_track=order.music_track, force=order.force, scenes=seen.scenes
        )
    except Exception as error:
        return _finished_elsewhere(seen.film, seen.out, order, error) or _failure(seen.film, seen.out, error)
    return FilmOutcome(str(seen.film), FilmState.SCORED, str(seen.out), warnings=scored.warnings)


def _failure(film: Path, out: Path | None, error: Exception) -> FilmOutcome:
    """What an error makes of a film; raised again where no film would fare better."""
    if isinstance(error, DependencyError | ModelError):
        raise error
    if isinstance(error, SoundtrackError):
        return _failed(film, out, str(error), error.hint, error.exit_code)
    # a bug that one film brings out must not cost the night's other films
    hint = "please report this bug; SOUNDTRACK_TRACEBACK=1 with this film alone shows the traceback"
    return _failed(film, out, f"{film}: internal error, {type(error).__name__}: {error}", hint, ExitCode.BUG)


def _failed(film: Path, out: Path | None, message: str, hint: str, code: ExitCode) -> FilmOutcome:
    return FilmOutcome(str(film), FilmState.FAILED, None if out is None else str(out), message, hint, int(code))


# --- on a cluster ----


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a worker is sent: the order, and the state of the library that it is meant for."""

    order: BatchOrder
    library: tuple[int, int]


def _on(
    address: str, films: Mapping[Path, FilmOrder | None], order: BatchOrder, keep: Collection[Path]
) -> Iterator[FilmOutcome]:
    """Films scored by the workers of a cluster, as they get ready."""
    from soundtrack.pipeline.library.cluster import Cluster, Job

    here = index_dir(order.index).absolute()
    order = replace(order, wishes=order.wishes.absolute())
    folder = None if order.folder is None else order.folder.absolute()
    errand = _Errand(replace(order, index=here, folder=folder), _library_state(here))
    with Cluster(address, model=current_model()) as cluster:
        for job, outcome in cluster.work(
            Job(_score_there, (errand, film.absolute(), own, film in keep), film) for film, own in films.items()
        ):
            if isinstance(outcome, FilmOutcome):
                yield replace(outcome, film=str(job.name))
            else:
                message = f"{job.name}: its workers were lost repeatedly"
                yield _failed(Path(str(job.name)), None, message, "score this film alone", ExitCode.BUG)


def _library_state(folder: Path) -> tuple[int, int]:
    """What changes when an index is written; zeros where there is none, which one given track does not need."""
    from soundtrack.library.store.schema import DATABASE_NAME

    if not (folder / DATABASE_NAME).exists():
        return 0, 0
    status = (folder / DATABASE_NAME).stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=1)
def _scorer_there(errand: _Errand) -> Scorer:
    """A worker's scorer, which lasts as long as orders and library stay as they are; analyses it keeps at home."""
    cache = None if errand.order.cache is None else user_folder()
    return _scorer(replace(errand.order, cache=cache))


def _score_there(errand: _Errand, film: Path, own: FilmOrder | None, keeps_suffix: bool) -> FilmOutcome:
    """In a worker: score one film. What a lost worker had written already counts as finished."""
    try:
        (outcome,) = _one_by_one(_scorer_there(errand), errand.order, {film: own}, (film,) if keeps_suffix else ())
    except (DependencyError, ModelError):
        raise
    except SoundtrackError as error:
        return _failed(film, None, str(error), error.hint, error.exit_code)
    return outcome
