"""Score a film from Python: index some music, look at the scenes, choose music for each, and mix it.

python examples/from_python.py VIDEO MUSIC_FOLDER OUT_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import soundtrack


def main(video: Path, music: Path, out: Path) -> None:
    """Index, scenes, spot, render; what is decided is printed on the way."""
    out.mkdir(exist_ok=True)
    report = soundtrack.index(music, index=out / "index")
    print(f"{report.n_tracks} tracks, {len(report.skipped)} files could not be used")

    scenes = soundtrack.scenes(video)
    for scene in scenes.scenes:
        print(f"scene {scene.index}: {scene.span.start_s:.1f} s, {scene.emotion.label}")

    # A person's demands: whatever the picture says, the first three seconds are calm.
    calm = soundtrack.MoodWish(soundtrack.Span(0.0, 3.0), soundtrack.mood("calm"))
    cues = soundtrack.spot(scenes, index=out / "index", wishes=soundtrack.Wishes(moods=(calm,)))
    titles = {track.track_id: track.title for track in cues.tracks}
    for cue in cues.cues:
        print(f"cue {cue.cue_id}: {cue.span.start_s:.1f} s to {cue.span.end_s:.1f} s, {titles[cue.track_id]}")
    soundtrack.write_cues(cues, out / "cues.json", force=True)

    scored = soundtrack.render(video, cues, out=out / f"scored{video.suffix}", force=True)
    print(f"{scored.path}: {scored.integrated_lufs:.1f} LUFS")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*map(Path, sys.argv[1:]))
    except soundtrack.SoundtrackError as error:
        sys.exit(f"{error}\n{error.hint}")
