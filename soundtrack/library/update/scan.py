"""Find the music files in folders.

Goes in: files and folders. Comes out: the regular files that ffmpeg may be able to decode, sorted by the bytes of
their paths, and what looked like music but cannot be opened. Safe on any tree: no folder is visited twice (loops of
symbolic links end), nothing but regular files is ever opened, entries may vanish between two looks. A file named by
itself is taken whatever it is called; inside folders the extension decides. Hidden names, ``._`` companions and
half-finished downloads are left out, and so are the folders in which systems keep what was deleted; what a person may
take for music among them and among other files is counted by kind. Symbolic links
are followed, because music often lies on another disk. Playlists and ``.cue`` sheets on the way are noted.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import Reason
from soundtrack.library.identity import QuickKey, refusal
from soundtrack.library.passed_over import UNFINISHED_KIND, kind_passed_over
from soundtrack.naming.playlists import is_playlist
from soundtrack.progress import Progress, no_progress

AUDIO_EXTENSIONS: frozenset[str] = frozenset(
    [
        "3ga",
        "aac",
        "ac3",
        "aif",
        "aifc",
        "aiff",
        "alac",
        "amr",
        "ape",
        "au",
        "awb",
        "caf",
        "dff",
        "dsf",
        "dts",
        "eac3",
        "flac",
        "gsm",
        "m4a",
        "m4b",
        "m4p",
        "m4r",
        "mka",
        "mlp",
        "mp+",
        "mp1",
        "mp2",
        "mp3",
        "mpa",
        "mpc",
        "mpga",
        "oga",
        "ogg",
        "ogx",
        "oma",
        "opus",
        "ra",
        "ram",
        "rf64",
        "rmj",
        "shn",
        "snd",
        "spx",
        "tak",
        "thd",
        "tta",
        "voc",
        "vqf",
        "w64",
        "wav",
        "wave",
        "weba",
        "wma",
        "wv",
        "xwma",
    ]
)
"""Extensions, in lower case, of files in folders that are analysed."""

UNFINISHED: tuple[str, ...] = (".part", ".icloud", ".crdownload", ".tmp", ".partial", ".download")
"""Endings of files that some program is still writing, or that lie elsewhere."""

SYSTEM_FOLDERS: frozenset[str] = frozenset(
    {
        "$recycle.bin",
        "#recycle",
        "#snapshot",
        "@eadir",
        "@recycle",
        "__macosx",
        "lost+found",
        "recycler",
        "system volume information",
    }
)
"""Names, in lower case, of folders of systems and not of people."""

_REPORT_EVERY = 256


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file that may be music."""

    path: Path
    """Absolute, as reached from the given folder; links in it are not resolved."""
    key: QuickKey
    """What the file system says about it."""


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """Something that looks like music but is no file that can be opened."""

    path: Path
    """Absolute."""
    reason: Reason
    """Why not."""
    message: str
    """One line for people."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a walk found."""

    roots: tuple[Path, ...]
    """The given paths, made absolute, in order, each once."""
    files: tuple[FoundFile, ...]
    """Sorted by the bytes of their paths."""
    refused: tuple[RefusedEntry, ...]
    """Sorted by the bytes of their paths."""
    missing_roots: tuple[Path, ...]
    """Given paths that do not exist."""
    playlists: tuple[Path, ...] = ()
    """Sorted by the bytes of their paths."""
    disc_sheets: tuple[Path, ...] = ()
    """``.cue`` sheets, sorted by the bytes of their paths."""
    passed_over: tuple[tuple[str, int], ...] = ()
    """Kinds of files that a person may take for music and that are not analysed, and how many of each, most first."""
    folders: tuple[tuple[Path, int, int], ...] = ()
    """Roots that are folders, with the device and the inode that they had when the walk began."""


_MESSAGES: dict[Reason, str] = {
    Reason.MISSING: "missing, or a broken link",
    Reason.PERMISSION: "permission denied",
    Reason.NOT_REGULAR: "a pipe, socket or device, not a file",
    Reason.EMPTY: "is empty",
}


def looks_like_music(name: str) -> bool:
    """Whether a file of this name in a folder is analysed.

    Examples
    --------
    >>> [looks_like_music(n) for n in ("a.MP3", "._a.mp3", ".a.mp3", "a.mp3.part", "cover.jpg", "-.flac")]
    [True, False, False, False, False, True]
    """
    lower = name.lower()
    if lower.startswith(".") or lower.endswith(UNFINISHED):
        return False
    _, dot, extension = lower.rpartition(".")
    return bool(dot) and extension in AUDIO_EXTENSIONS


def _passed_over(name: str) -> str | None:
    """What a file is that is not analysed and that a person may take for music."""
    stem = next((name[: -len(end)] for end in UNFINISHED if name.lower().endswith(end)), None)
    return kind_passed_over(name) if stem is None else UNFINISHED_KIND if looks_like_music(stem) else None


class _Walk:
    """One walk: what was found so far, and which folders were seen."""

    def __init__(self, progress: Progress) -> None:
        self.files: dict[bytes, FoundFile] = {}
        self.refused: dict[bytes, RefusedEntry] = {}
        self.beside: list[Path] = []
        self.passed: Counter[str] = Counter()
        self.folders: list[tuple[Path, int, int]] = []
        self._seen_folders: set[tuple[int, int]] = set()
        self._linked_folders: list[Path] = []
        self._progress = progress

    def take_root(self, root: Path) -> bool:
        """Walk one given path; False if it does not exist."""
        try:
            status = root.stat()
        except FileNotFoundError:
            if root.is_symlink():
                self._refuse(root, Reason.MISSING)
                return True
            return False
        except OSError as error:
            self._refuse(root, refusal(error))
            return True
        if stat.S_ISDIR(status.st_mode):
            self.folders.append((root, status.st_dev, status.st_ino))
            self._walk(root)
        else:
            self._take_file(root, status)
        return True

    def follow_links(self) -> None:
        """Walk the folders that were reached through links, after all real ones, so that real paths win."""
        while self._linked_folders:
            self._walk(self._linked_folders.pop(0))

    def _walk(self, top: Path) -> None:
        pending = [top]
        while pending:
            folder = pending.pop()
            try:
                status = folder.stat()
                if (status.st_dev, status.st_ino) in self._seen_folders:
                    continue
                self._seen_folders.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
            except FileNotFoundError:
                continue  # it vanished between two looks
            except OSError as error:
                self._refuse(folder, refusal(error))
                continue
            for entry in entries:
                self._take_entry(entry, pending)

    def _take_entry(self, entry: os.DirEntry[str], pending: list[Path]) -> None:
        if entry.name.startswith("."):
            return
        path = Path(entry.path)
        try:
            if entry.is_dir():
                if entry.name.lower() not in SYSTEM_FOLDERS:
                    (self._linked_folders if entry.is_symlink() else pending).append(path)
            elif looks_like_music(entry.name):
                self._take_file(path, entry.stat())
            elif is_playlist(path) or path.suffix.lower() == ".cue":
                self.beside.append(path)
            elif (kind := _passed_over(entry.name)) is not None and entry.is_file():
                self.passed[kind] += 1
        except OSError as error:
            if looks_like_music(entry.name):
                self._refuse(path, refusal(error))

    def _take_file(self, path: Path, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self._refuse(path, Reason.NOT_REGULAR)
        elif status.st_size == 0:
            self._refuse(path, Reason.EMPTY)
        else:
            self.files[os.fsencode(path)] = FoundFile(path, QuickKey.of(status))
            if len(self.files) % _REPORT_EVERY == 0:
                self._progress("scan", len(self.files), 0)

    def _refuse(self, path: Path, reason: Reason) -> None:
        message = _MESSAGES.get(reason, "cannot be opened")
        self.refused[os.fsencode(path)] = RefusedEntry(path, reason, message)


def scan(paths: Sequence[Path], *, progress: Progress | None = None) -> ScanResult:
    """All music files under some files and folders.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders, absolute or relative to the working folder.
    progress : callable, optional
        Called with ``("scan", files so far, 0)`` now and then, and once at the end.

    Returns
    -------
    ScanResult
        The same for the same tree, in whatever order the file system lists it.

    Examples
    --------
    >>> scan([]).files
    ()
    """
    tell = progress or no_progress
    roots = tuple(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))  # noqa: PTH100 - resolve() follows links
    walk = _Walk(tell)
    missing = tuple(root for root in roots if not walk.take_root(root))
    walk.follow_links()
    tell("scan", len(walk.files), len(walk.files))
    beside = sorted(walk.beside, key=os.fsencode)
    return ScanResult(
        roots=roots,
        files=tuple(walk.files[name] for name in sorted(walk.files)),
        refused=tuple(walk.refused[name] for name in sorted(walk.refused)),
        missing_roots=missing,
        playlists=tuple(path for path in beside if is_playlist(path)),
        disc_sheets=tuple(path for path in beside if not is_playlist(path)),
        passed_over=tuple(sorted(walk.passed.items(), key=lambda item: (-item[1], item[0]))),
        folders=tuple(walk.folders),
    )
