"""Opening an untrusted media file with PyAV: only regular files and plain containers, a reason for every refusal.

Goes in: a path. Comes out: an open PyAV container, or an `InputError` with a reason of the closed list, a message that
names file and cause, and a hint.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from soundtrack.errors import InputError, Reason
from soundtrack.files.safe_read import missing
from soundtrack.media.guard import MAX_PIXELS, MAX_STREAMS, file_arg, guard_options

_CAUSES: dict[Reason, tuple[str, str]] = {
    Reason.EMPTY: ("the file is empty", "copy or download it again"),
    Reason.NOT_MEDIA: ("not a film or sound file", "check the file name; `file NAME` shows the file type"),
    Reason.NO_AUDIO: ("no audio stream", "use a file with audio"),
    Reason.NO_VIDEO: ("no video stream", "use a film; to add music run `soundtrack index`"),
    Reason.STILL_IMAGE: ("a still image", "use a film, or a folder of photos; for music and voices a sound file"),
    Reason.CORRUPT: ("damaged or truncated", "copy or download it again"),
    Reason.ENCRYPTED: ("copy-protected", "use a copy without protection"),
    Reason.TOO_LARGE: (f"video larger than {MAX_PIXELS // 10**6} megapixels", "scale the video down first"),
    Reason.BAD_FORMAT: ("audio outside 4-384 kHz or 1-32 channels", "convert it first"),
    Reason.PERMISSION: ("permission denied", "run `chmod u+r NAME`"),
    Reason.MISSING: ("no such file", "check the name"),
    Reason.NOT_REGULAR: ("not a regular file", "use a file; save a stream to a file first"),
    Reason.CRASHED: ("the decoder crashed on it", "convert it first, for example with `ffmpeg -i NAME new.mp4`"),
    Reason.TIMEOUT: ("reading timed out", "try a copy on a local disk; if that hangs too, the file is damaged"),
    Reason.UNSUPPORTED: ("unsupported format", "convert it first, for example with `ffmpeg -i NAME new.mp4`"),
}

_STILL_HEADS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"GIF8", b"\x00\x00\x01\x00", b"8BPS")
_MEDIA_HEADS = (
    b"RIFF",
    b"RF64",
    b"fLaC",
    b"OggS",
    b"FORM",
    b"\x1aE\xdf\xa3",
    b"\0\0\x01\xba",
    b"0&\xb2u",
    b"FLV",
    b"caff",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01",
    b".snd",
    b"Creative Voice File",
    b"FRM8",
    b"DSD ",
    b"tBaK",
    b"ajkg",
    b"TWIN",
    b".RMF",
    b".ra\xfd",
    b"ea3\x03",
    b"EA3\x01",
    b"MAC ",
    b"wvpk",
    b"MPCK",
    b"MP+",
    b"TTA1",
    b"#!AMR",
)
_BY_ITS_PLAYER = "convert it to FLAC or WAV with a program that plays it"  # ffmpeg does not
_AS_AN_EDIT = "export it from the editing program as .otio or .fcpxml"
_KNOWN_BY_NAME = (
    (b"MThd", "a MIDI file contains notes, not audio", _BY_ITS_PLAYER),
    (b"RIFF....RMID", "a MIDI file contains notes, not audio", _BY_ITS_PLAYER),
    (b"IMPM", "a tracker module (IT) contains notes, not audio", _BY_ITS_PLAYER),
    (b"Extended Module: ", "a tracker module (XM) contains notes, not audio", _BY_ITS_PLAYER),
    (b"OFR ", "OptimFROG is an unsupported format", _BY_ITS_PLAYER),
    (b"TTA2", "True Audio 2 is an unsupported format", _BY_ITS_PLAYER),
    (b"LA0[234]", "Lossless Audio is an unsupported format", _BY_ITS_PLAYER),
    (b"(rtsp|pnm|mms|https?)://", "a list of addresses, not audio", "save the sound to a file first"),
    (b"TITLE:", "an edit decision list (EDL), not a film", _AS_AN_EDIT),
    (rb"(\xef\xbb\xbf)?\s*<(.*<)?xmeml\b", "an edit in the XML of Final Cut Pro 7, not a film", _AS_AN_EDIT),
    (rb"(\xef\xbb\xbf)?\s*<(.*<)?mlt\b", "an MLT project, not a film", _AS_AN_EDIT),
)
"""First bytes of files that are not damaged but hold no readable sound, as patterns; what they are, and a hint."""
_STILL_BRANDS = (b"avif", b"heic", b"heix", b"mif1")


def refusal(path: Path, reason: Reason, *, detail: str = "", hint: str = "") -> InputError:
    """The error for a file that cannot be used, with the usual words for the reason.

    Examples
    --------
    >>> str(refusal(Path("a.mp4"), Reason.EMPTY))
    'a.mp4: the file is empty'
    """
    if reason is Reason.MISSING and not detail and not hint:
        return missing(path)
    cause, usual = _CAUSES[reason]
    return InputError(f"{path}: {detail or cause}", hint=hint or usual, reason=reason)


def no_decoder(path: Path, *, hint: str = "convert the audio with a program that supports the format") -> InputError:
    """The error for sound in a format that ffmpeg does not decode, such as AC-4."""
    return InputError(f"{path}: no decoder for its audio format", hint=hint, reason=Reason.UNSUPPORTED)


def require_regular_file(path: Path) -> int:
    """Size in bytes of a file that can be opened without blocking.

    Pipes, sockets, devices and folders are refused before anything opens them: a named pipe would block for ever, a
    device would never end.

    Raises
    ------
    InputError
        Missing, not regular, empty, or not readable.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder, not a file" if stat.S_ISDIR(status.st_mode) else ""
            raise refusal(path, Reason.NOT_REGULAR, detail=kind)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        raise refusal(path, Reason.PERMISSION) from error
    except (OSError, ValueError) as error:
        raise refusal(path, Reason.MISSING) from error
    try:
        status = os.fstat(descriptor)  # of what was really opened
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise refusal(path, Reason.NOT_REGULAR)
    if status.st_size == 0:
        raise refusal(path, Reason.EMPTY)
    return status.st_size


@contextlib.contextmanager
def open_container(path: Path, *, demuxer: str | None = None) -> Iterator[Any]:
    """Open a media file with PyAV, guarded; for functions that `soundtrack.media.sandbox` calls.

    Parameters
    ----------
    path : Path
        The file.
    demuxer : str, optional
        FFmpeg's name of the format to read it as, whatever it looks like.

    Raises
    ------
    InputError
        The file is not there, not regular, or not a container that is read.
    MemoryError
        Opening it takes more memory than the process may have.
    """
    import av

    size_bytes = require_regular_file(path)
    try:
        container = av.open(file_arg(path), format=demuxer, options=guard_options(), metadata_errors="replace")
    except MemoryError:
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        known = _known_by_name(path)
        if known is not None:
            raise refusal(path, Reason.UNSUPPORTED, detail=known[0], hint=known[1]) from error
        raise refusal(path, _why_unreadable(path, size_bytes)) from error
    with container:
        if len(container.streams) > MAX_STREAMS:
            raise refusal(path, Reason.BAD_FORMAT, detail=f"more than {MAX_STREAMS} streams")
        for stream in container.streams.video:
            if stream.codec_context is not None:
                stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}  # the container's options end at probing
        if _brand(path) in _STILL_BRANDS:
            raise refusal(path, Reason.STILL_IMAGE)
        yield container


def looks_like_media(path: Path) -> bool:
    """Whether the file begins as a known container does."""
    head = _head(path)
    return head.startswith(_MEDIA_HEADS) or head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")


def _known_by_name(path: Path) -> tuple[str, str] | None:
    """What a file is that is known but not read, with a hint; None for all others."""
    head = _head(path)
    known = ((what, hint) for pattern, what, hint in _KNOWN_BY_NAME if re.match(pattern, head, re.DOTALL))
    return next(known, None)


def _head(path: Path) -> bytes:
    """The first bytes."""
    with path.open("rb") as file:
        return file.read(256)


def _brand(path: Path) -> bytes:
    """Major brand of an ISO container, empty for other files."""
    head = _head(path)
    return head[8:12] if head[4:8] == b"ftyp" else b""


def _why_unreadable(path: Path, size_bytes: int) -> Reason:
    """Reason for a file that PyAV refuses, from its first bytes."""
    head = _head(path)
    if y4m := re.match(rb"YUV4MPEG2 (?:.*? )?W(\d{1,9}) (?:.*? )?H(\d{1,9})[ \n]", head):
        return Reason.TOO_LARGE if int(y4m[1]) * int(y4m[2]) > MAX_PIXELS else Reason.UNSUPPORTED
    if head.startswith(_STILL_HEADS) or head[8:12] == b"WEBP":
        return Reason.STILL_IMAGE
    if head.startswith(b"ID3") and len(head) >= 10:
        tag_bytes = sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return Reason.NO_AUDIO if 10 + tag_bytes == size_bytes else Reason.CORRUPT
    return Reason.CORRUPT if looks_like_media(path) else Reason.NOT_MEDIA
