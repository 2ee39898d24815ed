"""Hash of the coded sound packets, independent of tags and container.

Goes in: a path. Comes out: the SHA-256 over the packets of the first sound stream, which are what the decoder is fed
with. Tags, covers, the order of a container's parts, the frame in which encoders note lengths and delays (Xing, LAME),
and the container itself have no part in it, so a file that was tagged or copied into another container has the hash
that it had. Nothing is decoded. Raw formats have no room for tags; what taggers append to them is taken off the last
packet.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from soundtrack.errors import InputError
from soundtrack.media.opening import open_container
from soundtrack.media.sandbox import apart

_UNTOLD = ("pcm_", "adpcm_", "dsd_", "gsm")
"""Codecs whose packets do not tell how fast they are to be played, and in how many channels."""

_OPUS_GAIN = slice(16, 18)
"""Where the header of Opus says how much louder all of it is to be played, which decoders obey."""

_TAG_STARTS = (b"APETAGEX", b"LYRICSBEGIN", b"ID3\x03\x00", b"ID3\x04\x00")
_ID3V1_BYTES = 128


def sound_hash(path: Path) -> str | None:
    """SHA-256 over the packets of the first sound stream, lower-case hex; None where there are none to be read.

    Parameters
    ----------
    path : Path
        Anything; read in a process apart.
    """
    try:
        return apart(path, _sound_hash, path)
    except InputError:
        return None


def _sound_hash(path: Path) -> str | None:
    """The same, in the process that may be lost."""
    import av

    with open_container(path) as container:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:
            return None
        stream = container.streams.audio[0]
        context = stream.codec_context
        codec = str(getattr(context.codec, "canonical_name", None) or context.name)
        digest = hashlib.sha256(f"soundtrack sound {codec}\n".encode())
        if codec.startswith(_UNTOLD):
            digest.update(f"{context.sample_rate} {context.channels}\n".encode())
        if codec == "opus":
            digest.update(bytes(context.extradata or b"")[_OPUS_GAIN])
        last: av.Packet | None = None
        try:
            for packet in container.demux(stream):
                if packet.size:
                    if last is not None:
                        digest.update(last)
                    last = packet
        except (av.FFmpegError, OSError):
            pass  # the part before the damage counts
        if last is None:
            return None
        digest.update(without_tags(bytes(last)))
        return digest.hexdigest()


def without_tags(packet: bytes) -> bytes:
    """The last packet of a raw format without the tags that were appended to the file.

    Examples
    --------
    >>> without_tags(b"sound" + b"APETAGEX" + bytes(40) + b"TAG" + bytes(125))
    b'sound'
    """
    if packet[-_ID3V1_BYTES:].startswith(b"TAG") and len(packet) > _ID3V1_BYTES:
        packet = packet[:-_ID3V1_BYTES]
    starts = [place for start in _TAG_STARTS if (place := packet.find(start)) > 0]
    return packet[: min(starts)] if starts else packet
