"""Single steps, each timed as a process of its own.

python benchmarks/plain.py picture FILM       shots and film numbers by soundtrack, without the network
python benchmarks/plain.py i3d FILM           what one would write first: OpenCV, and I3D in plain PyTorch
python benchmarks/plain.py librosa TRACK...   librosa's usual calls: load, mel, beat_track, chroma
python benchmarks/plain.py decode TRACK...    plain ffmpeg decodes each track, one for each core at a time
python benchmarks/plain.py inside FILE...     this process decodes each file by PyAV: the picture of a film, or sound
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def picture(film: Path) -> None:
    """Decode once, find the cuts, and measure every clip."""
    from soundtrack.checkpoints.manifest import find_model, read_config
    from soundtrack.media.reading.probe import probe
    from soundtrack.video.clips import ClipSampler
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.frames import DecodeReport
    from soundtrack.video.shots import ShotDetector
    from soundtrack.video.visual_features import clip_numbers

    config = read_config(find_model("i3d-emotion"))
    number = {name: float(str(config[name])) for name in ("n_frames", "frame_rate_hz", "stride_s", "side_px")}
    side_px = int(number["side_px"])
    report, detector = DecodeReport(), ShotDetector()
    sampler = ClipSampler(
        n_frames=int(number["n_frames"]),
        frame_rate_hz=number["frame_rate_hz"],
        stride_s=number["stride_s"],
        side_px=side_px,
    )
    rows = []
    for batch in iter_frames(probe(film), side_px=side_px, report=report):
        detector.push(batch)
        rows += [clip_numbers(clip.frames) for clip in sampler.push(batch)]
    rows += [clip_numbers(clip.frames) for clip in sampler.finish(report.duration_s)]
    print(len(detector.finish(report.duration_s)), len(rows))


def i3d(film: Path) -> None:
    """Every stack of 64 frames of 224 pixels through the full network, as public extractors do."""
    import cv2
    import numpy as np
    import torch

    from soundtrack.networks.i3d import I3D

    network = I3D().eval()
    reader = cv2.VideoCapture(str(film))
    stack: list[object] = []
    n = 0
    with torch.inference_mode():
        while True:
            is_there, frame = reader.read()
            if not is_there:
                break
            stack.append(cv2.cvtColor(cv2.resize(frame, (224, 224)), cv2.COLOR_BGR2RGB))
            if len(stack) == 64:
                clip = torch.from_numpy(np.stack(stack)).permute(3, 0, 1, 2).float() / 127.5 - 1  # (3, 64, 224, 224)
                network.features(clip[None])
                stack.clear()
                n += 1
    print(n)


def librosa_usual(tracks: list[Path]) -> None:
    """What an analysis of music usually begins with."""
    import librosa

    for track in tracks:
        samples, rate = librosa.load(track)
        librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=rate))
        tempo, _ = librosa.beat.beat_track(y=samples, sr=rate)
        chroma = librosa.feature.chroma_stft(y=samples, sr=rate)
        print(track.name, tempo, chroma.shape)


def decode(tracks: list[Path]) -> None:
    """The least that listening can cost. One ffmpeg with 200 tracks as inputs took half as much again."""
    from soundtrack.media.locate import ffmpeg_path

    def one(track: Path) -> None:
        words = [str(ffmpeg_path()), "-v", "error", "-nostdin", "-i", str(track), "-map", "0:a:0", "-f", "null", "-"]
        subprocess.run(words, check=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        print(len(list(pool.map(one, tracks))))


def inside(files: list[Path]) -> None:
    """The least that looking and listening can cost without another process."""
    import av

    for file in files:
        with av.open(str(file)) as container:
            stream = container.streams.video[0] if container.streams.video else container.streams.audio[0]
            stream.thread_type = "AUTO" if stream.type == "video" else "SLICE"
            print(file.name, sum(1 for _ in container.decode(stream)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["picture", film]:
            picture(Path(film))
        case ["i3d", film]:
            i3d(Path(film))
        case ["decode", *tracks]:
            decode([Path(track) for track in tracks])
        case ["inside", *files]:
            inside([Path(file) for file in files])
        case ["librosa", *tracks]:
            librosa_usual([Path(track) for track in tracks])
        case _:
            sys.exit(__doc__)
