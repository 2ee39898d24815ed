"""Films of every container, codec, start and defect for the test of synchrony, made on the spot.

One row of `CASES` is a film. All are made by the ffmpeg of the package imageio-ffmpeg, which every machine has.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sync_meter import picture, sound

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
H264 = (*X264, "-bf", "0")
H264_B = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "25", "-pix_fmt", "yuv420p")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "4", "-bf", "2")
MPEG4 = ("-c:v", "mpeg4", "-q:v", "4")
MPEG4_B = (*MPEG4, "-bf", "2")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "log-level=0")
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov", "-g", "25")
AAC, MP3, AC3, MP2, PCM = (("-c:a", name) for name in ("aac", "libmp3lame", "ac3", "mp2", "pcm_s16le"))
OPUS, VORBIS, FLAC = (("-c:a", name) for name in ("libopus", "libvorbis", "flac"))

DROP = "noise=drop='eq(mod(n\\,40)\\,33)'"
"""Every fortieth packet is lost."""


@functools.cache
def maker() -> str:
    """The ffmpeg that makes the films."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def run(*args: object) -> None:
    """Run it."""
    command = [maker(), "-nostdin", "-hide_banner", "-v", "error", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"


@dataclass(frozen=True)
class Case:
    """A film, and what the output is to be called."""

    name: str
    """Of the film, with its suffix; a word before the suffix tells cases apart."""
    encode: tuple[str, ...] = (*H264, *AAC)
    """How it is encoded, or the copy of it written."""
    rate: str = "25"
    """Frames a second."""
    sample_rate: int = 48_000
    """Of the sound."""
    channels: int = 2
    """Of the sound."""
    to: str = ""
    """Suffix of the output; the film's own by default."""
    copied: tuple[str, ...] = ()
    """Options of a second step that copies the packets into the film; the first step makes Matroska, or `via`."""
    via: str = ".mkv"
    """Suffix of the first step."""
    before: tuple[str, ...] = ()
    """Options before the input of the second step."""
    joined: Callable[[Path, Path], None] | None = None
    """Makes the film in the second place out of that in the first."""
    is_defect: bool = False
    """Whether its clock has a fault, so that 20 ms are allowed and not 10."""
    seconds: float = 3.2
    """Length."""

    def __str__(self) -> str:
        return f"{self.name}{'-to' + self.to if self.to else ''}"


def make(case: Case, folder: Path) -> Path:
    """The film of a case."""
    film = folder / case.name.replace(" ", "_")
    picture_and_sound = ["-f", "lavfi", "-i", picture(case.seconds, rate=case.rate), "-f", "lavfi"]
    picture_and_sound += ["-i", sound(case.seconds, rate=case.sample_rate, channels=case.channels)]
    if not case.copied and case.joined is None:
        run(*picture_and_sound, *case.encode, film)
        return film
    first = folder / f"first{case.via}"
    run(*picture_and_sound, *case.encode, first)
    if case.copied:
        run(*case.before, "-i", first, "-map", "0", "-c", "copy", *case.copied, film)
    if case.joined is not None:
        case.joined(first, film)
    return film


# --- defects that take more than one command ----


def joined_at(*starts_s: float) -> Callable[[Path, Path], None]:
    """Two recordings of a transport stream in one file, the clock starting at these times."""

    def join(first: Path, film: Path) -> None:
        parts = []
        for n, start_s in enumerate(starts_s):
            parts.append(film.with_name(f"part{n}.ts"))
            run("-i", first, "-map", "0", "-c", "copy", "-output_ts_offset", start_s, parts[-1])
        film.write_bytes(b"".join(part.read_bytes() for part in parts))

    return join


def other_sound(start_s: float, *how: str) -> Callable[[Path, Path], None]:
    """The recording, and behind it another one with another kind of sound."""

    def join(first: Path, film: Path) -> None:
        one, two = film.with_name("one.ts"), film.with_name("two.ts")
        run("-i", first, "-map", "0", "-c", "copy", one)
        run("-i", first, "-map", "0", "-c:v", "copy", *how, "-output_ts_offset", start_s, two)
        film.write_bytes(one.read_bytes() + two.read_bytes())

    return join


def appended(first: Path, film: Path) -> None:
    """The same programme stream twice: `cat a.mpg a.mpg`."""
    film.write_bytes(first.read_bytes() * 2)


def holes(first: Path, film: Path) -> None:
    """A recording with a bad aerial: every so often some of its transport packets are missing."""
    size = 188
    data = first.read_bytes()
    packets = [data[at : at + size] for at in range(0, len(data), size)]
    film.write_bytes(b"".join(packet for n, packet in enumerate(packets) if n < 40 or n % 97 > 5))


def segments(first: Path, film: Path) -> None:
    """The pieces of a live stream, each written by a muxer of its own, one behind the other."""
    run("-i", first, "-map", "0", "-c", "copy", "-f", "segment", "-segment_time", 1, film.with_name("segment%d.ts"))
    film.write_bytes(b"".join(part.read_bytes() for part in sorted(film.parent.glob("segment?.ts"))))


def _stamps(shift_s: float, *, of: str = "a") -> tuple[str, ...]:
    """All packets of a stream earlier or later."""
    return (f"-bsf:{of}", f"setts=ts=TS+{shift_s}/TB")


PAUSES = "noise=drop='gt(n\\,12)*lt(mod(n\\,30)\\,19)*gt(mod(n\\,30)\\,1)'"
"""A telephone that sends nothing while nobody speaks."""

VARYING = "select='not(mod(n,3))+gt(mod(n,50),30)+between(mod(n+5,15),0,1)'"
"""A phone's frame rate: now 8, now 25 frames a second."""

LATE, EARLY = _stamps(0.2), _stamps(0.2, of="v")

CASES = [
    # containers and codecs
    Case("b.mp4", (*H264_B, *AAC)),
    Case("plain.mp4"),
    Case("hevc.mp4", (*HEVC, *AAC)),
    Case("mp3.mp4", (*MPEG4, *MP3), sample_rate=44_100),
    Case("ac3.mp4", (*H264_B, *AC3)),
    Case("opus.mp4", (*H264, *OPUS)),
    Case("flac.mp4", (*H264, *FLAC, "-strict", "-2")),
    Case("av1.mp4", (*AV1, *AAC)),
    Case("vp9.mp4", (*VP9, *OPUS)),
    Case("mpeg2.mp4", (*MPEG2, *MP2)),
    Case("ntsc.mp4", (*H264_B, *AAC), rate="30000/1001", sample_rate=44_100),
    Case("pcm.mov", (*H264_B, *PCM)),
    Case("prores.mov", ("-c:v", "prores", "-c:a", "pcm_s24le")),
    Case("alac.mov", (*H264_B, "-c:a", "alac")),
    Case("mjpeg.mov", ("-c:v", "mjpeg", *AAC)),
    Case("b.mkv", (*H264_B, *AAC)),
    Case("mp3.mkv", (*H264, *MP3), sample_rate=44_100),
    Case("ac3.mkv", (*HEVC, *AC3)),
    Case("opus.mkv", (*VP9, *OPUS)),
    Case("vorbis.mkv", (*H264_B, *VORBIS), sample_rate=44_100),
    Case("flac.mkv", (*H264_B, *FLAC)),
    Case("mpeg2.mkv", (*MPEG2, *MP2)),
    Case("pcm.mkv", (*H264, *PCM), sample_rate=44_100),
    Case("surround.mkv", (*H264, *AC3), channels=6),
    Case("film.mkv", (*H264_B, *AAC), rate="24000/1001", to=".mp4"),
    Case("vp8.webm", (*VP8, *VORBIS)),
    Case("vp9.webm", (*VP9, *OPUS)),
    Case("av1.webm", (*AV1, *OPUS)),
    Case("pcm.avi", (*MPEG4, *PCM)),
    Case("b.avi", (*MPEG4_B, *PCM)),
    Case("b12.avi", (*MPEG4_B, *PCM), rate="12"),
    Case("b-mp3.avi", (*MPEG4_B, *MP3), sample_rate=44_100),
    Case("b.avi", (*MPEG4_B, *PCM), to=".mkv"),
    Case("b.avi", (*MPEG4_B, *MP3), to=".mp4"),
    Case("b.mkv", (*MPEG4_B, *MP3), to=".avi"),
    Case("b.mp4", (*H264_B, *AAC), to=".avi"),
    Case("xvid.avi", ("-c:v", "libxvid", "-q:v", "4", *MP3)),
    Case("h264.avi", (*H264, *MP3)),
    Case("mjpeg.avi", ("-c:v", "mjpeg", *PCM), sample_rate=22_050),
    Case("ac3.avi", (*MPEG4, *AC3)),
    Case("b.ts", (*H264_B, *AAC)),
    Case("mpeg2.ts", (*MPEG2, *MP2)),
    Case("hevc.ts", (*HEVC, *AAC)),
    Case("b.ts", (*H264_B, *AC3), to=".mp4"),
    Case("b.m2ts", (*H264_B, *AC3)),
    Case("dvd.mpg", (*MPEG2, *MP2)),
    Case("vcd.mpg", ("-c:v", "mpeg1video", *MP2), to=".mkv"),
    Case("dvd.vob", (*MPEG2, *AC3)),
    Case("b.flv", (*H264_B, *AAC)),
    Case("sorenson.flv", ("-c:v", "flv", *MP3), sample_rate=44_100),
    Case("film.ogv", ("-c:v", "libtheora", *VORBIS)),
    Case("film.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
    Case("fragmented.mp4", (*H264_B, *AAC, *FRAGMENTS)),
    Case("fragmented-plain.mp4", (*H264, *AAC, *FRAGMENTS)),
    Case("fragmented.mov", (*H264_B, *PCM, *FRAGMENTS)),
    # starts
    Case("late.mkv", (*H264, *MP3), copied=LATE),
    Case("late.mp4", (*H264_B, *AAC), copied=LATE),
    Case("late.ts", (*H264_B, *AAC), copied=LATE),
    Case("late.mkv", (*MPEG4, *MP3), copied=LATE, to=".avi"),
    Case("early.mp4", (*H264_B, *AAC), copied=EARLY),
    Case("early.mkv", (*H264_B, *AAC), copied=EARLY),
    Case("early.mov", (*H264_B, *PCM), copied=EARLY),
    Case("early.ts", (*H264_B, *AC3), copied=EARLY),
    Case("early.mkv", (*MPEG4, *MP3), copied=EARLY, to=".avi"),
    Case("early.flv", (*H264_B, *AAC), copied=EARLY),
    Case("negative.mp4", (*H264_B, *AAC), copied=(*_stamps(-0.1), "-avoid_negative_ts", "disabled")),
    Case("negative.mkv", (*H264, *AAC), copied=(*_stamps(-0.1), "-avoid_negative_ts", "disabled")),
    Case("cut.mp4", (*H264_B, *AAC), via=".mp4", before=("-ss", "0.7"), copied=("-avoid_negative_ts", "disabled")),
    Case("day.ts", (*H264_B, *AAC), copied=("-output_ts_offset", "90000")),
    Case("day.mkv", (*H264_B, *AAC), copied=("-output_ts_offset", "90000")),
    Case("day.mp4", (*H264_B, *AAC), copied=("-output_ts_offset", "90000", *FRAGMENTS[:2])),
    Case("day.ts", (*H264_B, *AAC), copied=("-output_ts_offset", "90000"), to=".mkv"),
    Case("wrap.ts", (*H264_B, *AAC), copied=("-output_ts_offset", str(2**33 / 90000 - 3.0))),
    Case("hour.flv", (*H264_B, *AAC), copied=("-output_ts_offset", "3600")),
    # defects
    Case("gaps.mkv", (*H264, *AAC), copied=("-bsf:a", DROP), is_defect=True),
    Case("gaps.mp4", (*H264_B, *AAC), copied=("-bsf:a", DROP), is_defect=True),
    Case("gaps.ts", (*H264_B, *AAC), copied=("-bsf:a", DROP), is_defect=True),
    Case("gaps.flv", (*H264, *MP3), sample_rate=44_100, copied=("-bsf:a", DROP), is_defect=True),
    Case("gaps-frag.mp4", (*H264_B, *AAC), copied=("-bsf:a", DROP, *FRAGMENTS[:2]), is_defect=True),
    Case("gaps.ts", (*H264_B, *AAC), copied=("-bsf:a", DROP), to=".mp4", is_defect=True),
    Case("long-gap.mkv", (*H264, *AAC), copied=("-bsf:a", "noise=drop='between(n,40,75)'"), is_defect=True),
    Case("stretched.mkv", (*H264, *AAC), copied=("-bsf:a", "setts=ts=TS*1.005"), is_defect=True, seconds=8.0),
    Case("squeezed.mkv", (*H264, *AAC), copied=("-bsf:a", "setts=ts=TS*0.995"), is_defect=True, seconds=8.0),
    Case("stretched.mp4", (*H264, *AAC), copied=("-bsf:a", "setts=ts=TS*1.01"), is_defect=True, seconds=8.0),
    Case("jitter.mkv", (*H264, *AAC), copied=("-bsf:a", "setts=ts=TS+mod(N*7\\,11)*0.001/TB"), is_defect=True),
    Case("steps.mkv", (*H264, *AAC), copied=("-bsf:a", "setts=ts=TS+floor(N/40)*0.019/TB"), is_defect=True),
    Case("joined-far.ts", (*H264_B, *AAC), joined=joined_at(10, 5000), is_defect=True),
    Case("joined-back.ts", (*H264_B, *AAC), joined=joined_at(5000, 10), is_defect=True),
    Case("joined-gap.ts", (*H264_B, *AAC), joined=joined_at(10, 13.8), is_defect=True),
    Case("joined-overlap.ts", (*H264_B, *AAC), joined=joined_at(10, 13.08), is_defect=True),
    Case("joined-uneven.ts", (*MPEG2, *MP2, "-af", "apad=pad_dur=0.35"), joined=joined_at(10, 13.2), is_defect=True),
    Case("joined.mpg", (*MPEG2, *MP2), via=".mpg", joined=appended, to=".mp4", is_defect=True),
    Case("channels.ts", (*H264_B, *AAC), joined=other_sound(4.4, "-c:a", "aac", "-ac", "1"), is_defect=True),
    Case("surround.ts", (*H264_B, *AC3), joined=other_sound(4.4, "-c:a", "ac3", "-ac", "6"), is_defect=True),
    Case("rate.ts", (*H264_B, *AAC), joined=other_sound(4.4, "-c:a", "aac", "-ar", "44100"), is_defect=True),
    # from public reports of neighbouring tools, see docs/odd-files.md
    Case("pauses.webm", (*VP8, *OPUS, "-frame_duration", "20"), copied=("-bsf:a", PAUSES), is_defect=True),
    Case("pauses.mkv", (*H264, *OPUS), copied=("-bsf:a", PAUSES), to=".mp4", is_defect=True),
    Case("picture-later.mp4", (*H264, *AAC), copied=_stamps(0.854, of="v")),
    Case("no-edit-list.mp4", (*H264_B, *AAC, "-use_editlist", "0")),
    Case("varying.mp4", (*H264_B, *AAC, "-vf", VARYING, "-fps_mode", "vfr")),
    Case("varying.mkv", (*H264_B, *AAC, "-vf", VARYING, "-fps_mode", "vfr"), to=".ts"),
    Case("59999.mkv", (*H264, *AAC), rate="59999/1000", to=".mp4"),
    Case("holes.ts", (*MPEG2, "-g", "5", *MP2), via=".ts", joined=holes, is_defect=True),
    Case("segments.ts", (*H264_B, *AAC), via=".ts", joined=segments, is_defect=True),
    Case("two.mkv", (*H264_B, *AAC), copied=("-map", "0:a", *_stamps(0.15))),
]
