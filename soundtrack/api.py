"""The functions of ``import soundtrack``; the command line calls the same ones.

    index:   folders of music          -> the library index, IndexReport
    scenes:  film                      -> SceneSheet
    spot:    SceneSheet, library       -> CueSheet
    render:  film, CueSheet            -> scored film, RenderReport
    score:   film, library             -> scored film and cue sheet, Scored
    search:  library                   -> [Found]

Times are in seconds; a path is a `str`, in which a leading ``~`` is the home folder, or an `os.PathLike`. Defaults come
from the user's configuration. Files are written whole or not at all, and an existing one is replaced only by one of its
own kind, with ``force=True``. Errors are `soundtrack.SoundtrackError` with ``hint`` and ``exit_code``; none print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from soundtrack import pipeline
from soundtrack.pipeline.film.photos import PHOTO_S
from soundtrack.pipeline.ground.defaults import cache_folder, device_or_default, mix_or_default, spotting_or_default
from soundtrack.pipeline.ground.paths import PathLike, as_path, as_paths
from soundtrack.pipeline.library.opened import Library, require_one_question
from soundtrack.pipeline.rendering import Scored
from soundtrack.pipeline.sheets.narration import NarrationWish
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.progress import Notice, Progress, no_notice, no_progress
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.types import CueSheet, SceneSheet

if TYPE_CHECKING:
    from soundtrack.library.report import IndexReport
    from soundtrack.library.search.query import Found
    from soundtrack.library.search.rules import RuleChange
    from soundtrack.mix.report import RenderReport


def index(
    paths: PathLike | Iterable[PathLike] = (),
    *,
    index: PathLike | None = None,
    jobs: int = 0,
    device: str | None = None,
    rebuild: bool = False,
    prune: bool = False,
    retry_failed: bool = False,
    wait: bool = False,
    change: RuleChange | None = None,
    cluster: str | None = None,
    pace: float | None = None,
    progress: Progress = no_progress,
) -> IndexReport:
    """Bring the library index up to date with some folders and files of music.

    New and changed files are analysed, known ones are not; a run that is killed is continued by the next one.

    Parameters
    ----------
    paths : path or iterable of paths
        Folders and files; none for those that the index knows already.
    index : path, optional
        Folder of the index, made if missing; by default SOUNDTRACK_INDEX, the configuration, or the user's data folder.
    jobs : int >= 0
        Worker processes; 0 is one per core.
    device : {"auto", "cpu", "cuda"}, optional
        Where the network runs.
    rebuild : bool
        Analyse everything again; the old index serves until the new one is complete.
    prune, retry_failed : bool
        Remove missing files from the index, even if most of a folder is missing; try files again that failed before.
    wait : bool
        Wait while another process writes the index, instead of failing.
    change : RuleChange, optional
        Change of the rules of what counts as music, applied first.
    cluster, pace : str, float in (0, 1], optional
        Dask scheduler whose workers analyse the files; share of this machine's processor to take, at lowest priority.
    progress : callable
        Called with stage, units done, and units in all (0 while unknown).

    Returns
    -------
    IndexReport
        Counts, and every file that could not be used with its reason.

    Raises
    ------
    InputError
        A path does not exist or cannot be read.
    LibraryError
        Another process writes the index, other networks made it, it is damaged, or most of a folder has vanished.
    ModelError
        A network is missing or damaged.
    OutputError
        The index cannot be written.
    """
    return pipeline.build_index(
        as_paths(paths),
        as_path(index),
        jobs=jobs,
        device=device_or_default(device),
        rebuild=rebuild,
        prune=prune,
        retry_failed=retry_failed,
        wait=wait,
        change=change,
        cluster=cluster,
        pace=pace,
        progress=progress,
    )


def scenes(
    video: PathLike,
    *,
    device: str | None = None,
    decoder: str = "auto",
    cache: bool = True,
    seconds_per_image: float = PHOTO_S,
    subtitles: bool = True,
    faces: bool = True,
    face_weight: float = 0.0,
    draft: bool = False,
    progress: Progress = no_progress,
) -> SceneSheet:
    """The shots and scenes of a film, their mood, and where there is speech.

    Parameters
    ----------
    video : path
        The film; or a folder of photos (jpg, png, webp, heic, avif), or one photo, each of which is a shot.
    device, decoder, cache : {"auto", "cpu", "cuda"}, {"auto", "pyav", "decord"}, bool
        For the network and the film; use and keep analyses in the user's cache folder, unless configured otherwise.
    seconds_per_image, subtitles, faces, face_weight, draft, progress
        Time for each photo, in [0.5, 600] seconds; whether subtitles count and faces are looked for; share of faces in
        the mood of a scene, in [0, 1]; key frames only; called with stage, units done, units in all (0 while unknown).

    Returns
    -------
    SceneSheet
        Shots tile the film, scenes tile the shots; times in seconds on the film's clock, valence and arousal in
        [-1, 1], `embeddings` of shape (scenes, D), float32, unit length.

    Raises
    ------
    InputError
        The file is missing, or no film that can be read.
    ModelError
        The network is missing or damaged.
    """
    return pipeline.analyse_video(
        as_path(video),
        device=device_or_default(device),
        decoder=decoder,
        cache=cache_folder(cache=cache),
        seconds_per_image=seconds_per_image,
        subtitles=subtitles,
        faces=faces,
        face_weight=face_weight,
        draft=draft,
        progress=progress,
    )


def spot(
    scenes: SceneSheet,
    *,
    index: PathLike | None = None,
    settings: SpottingSettings | None = None,
    mix: MixSettings | None = None,
    wishes: Wishes | None = None,
) -> CueSheet:
    """A cue sheet for a film: which music, where, how it is cut, and how it makes room for speech.

    Parameters
    ----------
    scenes : SceneSheet
        From `scenes` or `read_scenes`.
    index : path, optional
        Folder of the library index; by default SOUNDTRACK_INDEX, the configuration, or the user's data folder.
    settings : SpottingSettings, optional
        How music is chosen and placed; by default with the configured weights.
    mix : MixSettings, optional
        How it will be mixed; by default with the configured loudness target.
    wishes : Wishes, optional
        Locked tracks, moods, silences, hit points, cues of an earlier sheet to keep, and what to use or avoid.

    Returns
    -------
    CueSheet
        Cues in order of time, exact to the sample at 48 kHz.

    Raises
    ------
    LibraryError
        The index is missing, empty, damaged, or of other networks than the scene sheet.
    UsageError
        A wish names an unknown track or a time outside the film, or wishes contradict each other.
    NothingFitsError
        The wishes leave no music, or no place for music.
    """
    return pipeline.spot_video(
        scenes, index=as_path(index), settings=spotting_or_default(settings), mix=mix_or_default(mix), wishes=wishes
    )


def render(
    video: PathLike,
    sheet: CueSheet,
    *,
    out: PathLike | None = None,
    cues: PathLike | None = None,
    inputs: Sequence[PathLike] = (),
    index: PathLike | None = None,
    stems: PathLike | None = None,
    music_track: bool = False,
    layout: str = "auto",
    keep_level: bool = False,
    narration: PathLike | None = None,
    narration_at_s: float = 0.0,
    former: CueSheet | None = None,
    force: bool = False,
    progress: Progress = no_progress,
) -> RenderReport:
    """Mix the music of a cue sheet into a film; picture and all other streams are copied.

    Parameters
    ----------
    video : path
        The film.
    sheet : CueSheet
        From `spot` or `read_cues`.
    out, cues : path, optional
        The scored film, by default ``NAME.scored.EXT`` beside the film; the sheet as rendered, by default not written.
    inputs : sequence of paths
        Further files that must not be replaced, such as the one that the sheet came from.
    index : path, optional
        Folder of the library index, asked for tracks that are no longer where the sheet says.
    stems : path, optional
        Folder for the stems, made if missing: MX (music) and DX (original), FLAC, 48 kHz, 24 bits.
    music_track, keep_level : bool
        Add the music as an audio stream of its own; keep the film's sound at its level, even if the sheet does not ask.
    layout : {"auto", "stereo", "5.1"}
        Channels of the mix; by default those of the film's own sound.
    narration, narration_at_s : path, optional, and float >= 0
        A recorded voice to mix in at its own level, as speech of the film, and where it starts in seconds.
    former : CueSheet, optional
        The sheet before a swap: where vocals were lowered in its film, those of the new music are lowered as well.
    force : bool
        Replace existing targets of the same kind.
    progress : callable
        Called with stage, units done, and units in all (0 while unknown).

    Returns
    -------
    RenderReport
        Loudness in LUFS and true peak in dBTP as measured in the written file, gains in dB, warnings.

    Raises
    ------
    InputError
        The film or a track cannot be read, or the sheet is invalid.
    FfmpegError
        ffmpeg failed.
    OutputError
        A target exists or cannot be written, or the written file lost something.
    """
    return pipeline.render_video(
        as_path(video),
        sheet,
        out=as_path(out),
        cues=as_path(cues),
        inputs=[as_path(path) for path in inputs],
        index=as_path(index),
        stems=as_path(stems),
        music_track=music_track,
        layout=layout,
        keep_level=keep_level,
        narration=None if narration is None else NarrationWish(as_path(narration), narration_at_s),
        former=former,
        force=force,
        progress=progress,
    )


def score(
    video: PathLike,
    *,
    out: PathLike | None = None,
    cues: PathLike | None = None,
    inputs: Sequence[PathLike] = (),
    index: PathLike | None = None,
    device: str | None = None,
    decoder: str = "auto",
    settings: SpottingSettings | None = None,
    mix: MixSettings | None = None,
    wishes: Wishes | None = None,
    stems: PathLike | None = None,
    music_track: bool = False,
    force: bool = False,
    cache: bool = True,
    seconds_per_image: float = PHOTO_S,
    moves: bool = False,
    progress: Progress = no_progress,
    notice: Notice = no_notice,
) -> Scored:
    """Score a film with music from the library: `scenes`, `spot` and `render` in a row, with the same result.

    Parameters
    ----------
    video : path
        The film; or a folder of photos, of which a film is made, by time taken and then by name.
    out : path, optional
        The scored film; by default ``NAME.scored.EXT`` beside the film.
    cues : path, optional
        The cue sheet; by default beside the scored film.
    index, settings, mix, wishes, device, decoder, cache, seconds_per_image, inputs, stems, music_track, force, progress
        As in `spot`, `scenes` and `render`.
    moves, notice
        Whether the view of each photo moves; called with each warning that is known before the work.

    Returns
    -------
    Scored
        Paths of the film and of its cue sheet, the sheet itself, and the report of `render`.

    Raises
    ------
    SoundtrackError
        As `scenes`, `spot` and `render`.
    """
    return pipeline.score_video(
        as_path(video),
        out=as_path(out),
        cues=as_path(cues),
        inputs=[as_path(path) for path in inputs],
        index=as_path(index),
        device=device_or_default(device),
        decoder=decoder,
        settings=spotting_or_default(settings),
        mix=mix_or_default(mix),
        wishes=wishes,
        stems=as_path(stems),
        music_track=music_track,
        force=force,
        cache=cache_folder(cache=cache),
        seconds_per_image=seconds_per_image,
        moves=moves,
        progress=progress,
        notice=notice,
    )


def search(
    *,
    mood: str | None = None,
    valence: float | None = None,
    arousal: float | None = None,
    like: PathLike | None = None,
    picture: PathLike | None = None,
    n: int = 10,
    allow_spoken: bool = False,
    index: PathLike | None = None,
    device: str | None = None,
) -> list[Found]:
    """Tracks of the library by mood, by valence and arousal, by a similar file or for a picture, best first.

    Parameters
    ----------
    mood : str, optional
        A mood word such as ``tense``.
    valence, arousal : float, optional
        From unpleasant to pleasant, from calm to excited, in [-1, 1]; what is None does not count.
    like, picture : path, optional
        A file of music, in the library or not, or a request in words; a photo (of a folder, the first counts).
    n : int >= 1
        Largest number of tracks.
    allow_spoken : bool
        Include spoken word, whatever the rules of the index say.
    index : path, optional
        Folder of the library index; by default SOUNDTRACK_INDEX, the configuration, or the user's data folder.
    device : {"auto", "cpu", "cuda"}, optional
        Where the network runs for a picture, or for a file that is not in the library.

    Returns
    -------
    list of Found
        Track, its best segment, and similarity, at most 1.

    Raises
    ------
    UsageError, LibraryError, InputError
        Not exactly one of mood, valence and arousal, `like` and `picture` is given, or the mood is unknown; the index
        is missing, damaged, of other networks or without a usable track; the file cannot be read.
    """
    require_one_question(mood=mood, valence=valence, arousal=arousal, like=like, picture=picture)
    with Library(index, allow_spoken=allow_spoken) as library:
        if picture is not None:
            return pipeline.music_for_picture(library, as_path(picture), n=n, device=device_or_default(device))
        return library.search(mood=mood, valence=valence, arousal=arousal, like=like, n=n, device=device)
