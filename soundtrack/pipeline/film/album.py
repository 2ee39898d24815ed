"""A folder of photos: which files of it are photos, in which order, and how large a film of them is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.media.reading.photo import PhotoHead, looks_like_photo, read_head
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.wording import counted

MOST_PHOTOS = 5_000
"""More than this is refused."""

_SHORT_SIDE_PX, _LEAST_SIDE_PX, _WIDEST = 1080, 240, 16 / 9
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Album:
    """Photos in the order in which they are shown."""

    path: Path
    """The folder, or the one photo."""
    photos: tuple[PhotoHead, ...]
    """At least one."""
    warnings: tuple[str, ...] = ()
    """What else is in the folder, one line each."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of a film of them: lying or upright and as wide as most, no larger than the largest."""
        known = [(p.width_px, p.height_px) for p in self.photos if p.width_px and p.height_px] or [(1920, 1080)]
        lying = [size for size in known if size[0] >= size[1]]
        most = lying if 2 * len(lying) >= len(known) else [size for size in known if size[0] < size[1]]
        short = min(_SHORT_SIDE_PX, max([_LEAST_SIDE_PX, *map(min, known)]))
        shape = min(_WIDEST, median(max(size) / min(size) for size in most))
        sides = short // 2 * 2, round(short * shape / 2) * 2
        return (sides[1], sides[0]) if most is lying else sides


def is_album(path: Path) -> bool:
    """Whether a path is a folder or a photo, and so no film."""
    return path.is_dir() or (path.is_file() and looks_like_photo(path))


def read_album(path: Path) -> Album:
    """The photos of a folder, by time taken, then by name; those without a time come last.

    Raises
    ------
    InputError
        There is none, or there are too many; or the one file is no photo that can be read.
    """
    from soundtrack.library.search.query import in_order

    path = as_on_disk(path)
    if not path.is_dir():
        return Album(path, (read_head(path),))
    try:
        files = sorted((entry for entry in path.iterdir() if not entry.name.startswith(".")), key=in_order)
    except OSError as error:
        raise safe_read.unreadable(path, error) from error
    photos, skipped = [], []
    for file in files:
        try:
            photos.append(read_head(file))
        except InputError as error:
            skipped.append(f"skipped: {error}")
        if len(photos) > MOST_PHOTOS:
            raise InputError(
                f"{path}: more than {MOST_PHOTOS} photos",
                hint="use several folders",
                reason=Reason.TOO_LARGE,
            )
    if not photos:
        whose = "its only file" if len(files) == 1 else f"none of its {len(files)} files"
        what = f"{whose} is {'no' if len(files) == 1 else 'a'} photo" if files else "the folder is empty"
        raise InputError(
            f"{path}: {what}",
            hint="use a folder of photos (jpg, png, webp, heic, avif), a film, or --batch FOLDER for films",
            reason=Reason.NOT_MEDIA,
        )
    more = len(skipped) - _MOST_NAMED
    lines = skipped[:_MOST_NAMED] + ([f"skipped: {counted(more, 'further file')}"] if more > 0 else [])
    photos.sort(key=lambda photo: (not photo.taken, photo.taken, in_order(photo.path)))
    return Album(path, tuple(photos), tuple(lines))
