"""Headers of a few hundred bytes that ask for gigabytes, written by hand."""

from __future__ import annotations

import struct

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of the ISO format."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def mp4_of_many_samples(n_samples: int, *, n_tracks: int = 1) -> bytes:
    """A film whose every track claims to hold so many frames of one byte: libav keeps 24 bytes for each of them."""
    entry = box(
        b"mp4v",
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIIIH", 64, 48, 0x480000, 0x480000, 0, 1),
        bytes(32) + struct.pack(">Hh", 24, -1),
    )
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stts", struct.pack(">IIII", 0, 1, n_samples, 40)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, n_samples, 1)),
        box(b"stsz", struct.pack(">III", 0, 1, n_samples)),
        box(b"stco", struct.pack(">III", 0, 1, 32)),
    )
    track = box(
        b"trak",
        box(
            b"tkhd",
            struct.pack(">IIIIII", 3, 0, 0, 1, 0, 1000),
            bytes(16),
            MATRIX,
            struct.pack(">II", 64 << 16, 48 << 16),
        ),
        box(
            b"mdia",
            box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, 1000, 0, 0)),
            box(b"hdlr", struct.pack(">II4s13x", 0, 0, b"vide")),
            box(b"minf", box(b"vmhd", struct.pack(">IQ", 1, 0)), table),
        ),
    )
    whole = struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, 1000, 0x10000, 0x100) + MATRIX + bytes(24) + struct.pack(">I", 2)
    head = box(b"ftyp", b"isom\0\0\2\0isommp41")
    return head + box(b"mdat", bytes(100)) + box(b"moov", box(b"mvhd", whole), *[track] * n_tracks)
