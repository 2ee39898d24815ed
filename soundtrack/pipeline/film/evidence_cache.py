"""What was seen and heard in a film before any head read it: a new head, space or channel does not watch it again.

Goes in: a film's fingerprint and how it is decoded. Comes out: shots, clips, marks of the sound, and the evidence of
each channel that was there. One file holds what belongs to no channel, one more each channel's evidence, named by its
name, version and hash; so a new channel alone is watched for. A file is a line of JSON (whose it is, SHA-256 of the
rest) and safetensors: nothing is unpickled, and a file that is damaged in any way counts as missing. Numbers are kept
as they are, so what is read again is what was read at first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from soundtrack import resources
from soundtrack.errors import SoundtrackError
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.pipeline.film.watch import Heard, Sight
from soundtrack.pipeline.ground.analysis_cache import drop_oldest, libraries
from soundtrack.types import Channel, Evidence, FloatArray, Shot, Span, TimeArray
from soundtrack.video.colours.shot_colours import N_COLOURS

SCHEMA = "soundtrack.evidence/1"
"""What a file says it is."""
MOST_BYTES = 1024**3
"""The folder holds no more; some sixty films of two hours."""
_SEEN, _EVIDENCE = ".seen", ".evidence"
_PARTS = (
    "soundtrack.audio",
    "soundtrack.media",
    "soundtrack.types",
    "soundtrack.pipeline.film.watch",
    "soundtrack.video.clips",
    "soundtrack.video.decode",
    "soundtrack.video.frames",
    "soundtrack.video.colours.shot_colours",
    "soundtrack.video.shots",
)
"""Parts of the tool that have a say in what channels are given; a channel's own say is its version and hash."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a film."""

    sight: Sight
    """With the evidence that is there."""
    heard: Heard
    """With the evidence that is there."""

    @property
    def evidence(self) -> dict[str, Evidence]:
        """By name of the channel."""
        return {found.channel.name: found for found in (*self.sight.evidence, *self.heard.evidence)}


class EvidenceCache:
    """The evidence in a folder.

    Parameters
    ----------
    folder : Path
        Made when the first file is written.
    settings : mapping of str to object
        How films are decoded and clips sampled; values are distinguished by their ``repr``.
    most_bytes : int >= 0
        The folder holds no more.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object], *, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        says = "\n".join(f"{name}={settings[name]!r}" for name in sorted(settings))
        self._settings = f"{SCHEMA}\n{_code()}\n{libraries()}\n{says}"

    def may_have(self, path: Path) -> bool:
        """Whether anything is kept of a film of this size."""
        try:
            return any(self._folder.glob(f"{path.stat().st_size}-*{_SEEN}"))
        except OSError:
            return False

    def find(self, path: Path, fingerprint: str, channels: Sequence[Channel]) -> Kept | None:
        """What is kept of a film, with the evidence of those channels that have any; None if nothing is usable."""
        try:
            head, arrays = self._read(self._file(path, fingerprint, None))
            shots = tuple(Shot(i, span) for i, span in enumerate(_spans(arrays["shots"])))
            sight = Sight(shots, _spans(arrays["clips"]), _length(head["duration_s"]), _lines(head["odd_sight"]))
            sight = replace(sight, colours=_colours(arrays.get("colours"), n_shots=len(shots)))
            heard = Heard(
                _spans(arrays["speech"]),
                _spans(arrays["music"]),
                _level(head["speech_lufs"]),
                _level(head["integrated_lufs"]),
                _lines(head["odd_sound"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError, SoundtrackError):
            return None
        evidence = []
        for channel in channels:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError, SoundtrackError):
                _, arrays = self._read(self._file(path, fingerprint, channel))
                features = np.ascontiguousarray(arrays["features"], np.float32)
                evidence.append(Evidence(channel, _spans(arrays["spans"]), features))
        return Kept(_with(sight, evidence), heard)

    def keep(self, path: Path, fingerprint: str, sight: Sight, heard: Heard) -> None:
        """Write what was seen and heard, each file whole or not at all; does nothing where it cannot."""
        if any(str(path) in line for line in (*sight.warnings, *heard.warnings)):
            return
        facts = {
            "duration_s": sight.duration_s,
            "speech_lufs": heard.speech_lufs,
            "integrated_lufs": heard.integrated_lufs,
            "odd_sight": sight.warnings,
            "odd_sound": heard.warnings,
        }
        with contextlib.suppress(OSError, ValueError, SoundtrackError):
            for found in (*sight.evidence, *heard.evidence):
                arrays: dict[str, np.ndarray] = {"spans": _table(found.spans), "features": found.features}
                self._write(self._file(path, fingerprint, found.channel), {}, arrays)
            tables: dict[str, np.ndarray] = {
                "shots": _table([shot.span for shot in sight.shots]),
                "clips": _table(sight.clips),
            }
            if sight.colours is not None:
                tables["colours"] = sight.colours
            tables |= {"speech": _table(heard.speech), "music": _table(heard.music)}
            self._write(self._file(path, fingerprint, None), facts, tables)

    def _file(self, path: Path, fingerprint: str, channel: Channel | None) -> Path:
        """Where something of a film is; its size comes first, as in the analyses."""
        whose = "" if channel is None else f"{channel.name} {channel.version} {channel.dim} {channel.sha256}"
        key = hashlib.sha256(f"{self._settings}\n{fingerprint}\n{whose}\n".encode() + os.fsencode(path.suffix.lower()))
        return self._folder / f"{path.stat().st_size}-{key.hexdigest()}{_SEEN if channel is None else _EVIDENCE}"

    def _read(self, file: Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
        """The facts and arrays of a file that is whole."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        line, data = safe_read.read_bytes(file, most_bytes=self._most_bytes).split(b"\n", 1)
        head = json.loads(line)
        if (head["schema"], head["key"], head["sha256"]) != (SCHEMA, file.stem, hashlib.sha256(data).hexdigest()):
            raise ValueError("content does not match its name")
        try:
            arrays = load(data)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        with contextlib.suppress(OSError):
            os.utime(file)  # it is the youngest now
        return head["facts"], arrays

    def _write(self, file: Path, facts: Mapping[str, object], arrays: dict[str, np.ndarray]) -> None:
        """A file of facts and arrays, and room for it."""
        from safetensors.numpy import save

        data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        head = {"schema": SCHEMA, "key": file.stem, "sha256": hashlib.sha256(data).hexdigest(), "facts": facts}
        content = json.dumps(head, sort_keys=True).encode() + b"\n" + data
        if len(content) > self._most_bytes:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(file, kind=OWN, force=True) as part:
            part.write_bytes(content)
        drop_oldest(self._folder, (_SEEN, _EVIDENCE), most_bytes=self._most_bytes, besides=file)


def _with(sight: Sight, evidence: Sequence[Evidence]) -> Sight:
    """The sight with all evidence that is there, whichever medium it is of."""
    return replace(sight, evidence=tuple(evidence))


def _colours(table: np.ndarray | None, *, n_shots: int) -> FloatArray | None:
    """The colours of the shots, or none."""
    if table is not None and (table.shape != (n_shots, N_COLOURS) or table.dtype != np.float32):
        raise ValueError("invalid colours")
    return table


def _table(spans: Sequence[Span]) -> TimeArray:
    """Starts and ends, shape (n, 2)."""
    return np.array([(span.start_s, span.end_s) for span in spans], np.float64).reshape(-1, 2)


def _spans(table: np.ndarray) -> tuple[Span, ...]:
    """The spans of a table."""
    if table.ndim != 2 or table.shape[1] != 2 or table.dtype != np.float64:
        raise ValueError("invalid spans")
    return tuple(Span(start, end) for start, end in table.tolist())


def _lines(value: object) -> tuple[str, ...]:
    """Some warnings."""
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise ValueError("invalid text lines")
    return tuple(value)


def _length(value: object) -> float:
    """A length in seconds."""
    if not isinstance(value, float):
        raise ValueError("invalid length")
    return value


def _level(value: object) -> float | None:
    """A loudness, or none."""
    if value is not None and not isinstance(value, float):
        raise ValueError("invalid loudness")
    return value


@cache
def _code() -> str:
    """Hash of the tool's own code that decodes and samples."""
    return resources.code_digest(*_PARTS)
