"""``soundtrack scenes VIDEO``: shots, scenes and moods of a film as JSON on stdout."""

from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.choices import require_faces
from soundtrack.cli.film.film_input import film_from
from soundtrack.cli.options import (
    Decoder,
    DecoderName,
    Device,
    Faces,
    FaceWeight,
    Force,
    Lexicon,
    Model,
    NoCache,
    Quiet,
    SecondsPerImage,
    Subtitles,
    device_name,
)


def scenes(
    video: Annotated[
        Path,
        typer.Argument(
            metavar="VIDEO",
            help="Film (- for stdin), edit (.otio, .fcpxml), photo, or folder of photos.",
            show_default=False,
        ),
    ],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file. Default: stdout.")] = None,
    device: Device = None,
    model: Model = None,  # noqa: ARG001 - its callback has the say
    decoder: Decoder = DecoderName.AUTO,
    no_cache: NoCache = False,
    subtitles: Subtitles = True,
    faces: Faces = True,
    face_weight: FaceWeight = 0.0,
    lexicon: Lexicon = None,  # noqa: ARG001 - its callback has the say
    seconds_per_image: SecondsPerImage = 4.0,
    draft: Annotated[
        bool,
        typer.Option(
            "--draft",
            help="Decode key frames only, for a first look at hours of film. Expect 60 to 65% of the cuts to within"
            " 0.2 s (5% in AV1), 30 to 45% false ones among those listed, and moods from one still picture every 10 s.",
        ),
    ] = False,
    why: Annotated[bool, typer.Option("--why", help="Print the readings of each channel per scene to stderr.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Detect the shots and scenes of a film, or of photos, and their mood; writes JSON for `soundtrack spot`."""
    from soundtrack import api
    from soundtrack.cli import output
    from soundtrack.documents import scenesheet
    from soundtrack.export.opinions import opinions_line, top_line
    from soundtrack.files.kinds import SCENE_SHEET
    from soundtrack.pipeline.pictured import scene_caption

    require_faces(face_weight, wanted=faces, quiet=quiet)
    with (
        film_from(video, quiet=quiet) as film,
        output.product_to(out, kind=SCENE_SHEET, inputs=[film], force=force) as write,
        output.progress(quiet=quiet) as progress,
    ):
        sheet = api.scenes(
            film,
            device=device_name(device),
            decoder=decoder.value,
            cache=not no_cache,
            seconds_per_image=seconds_per_image,
            subtitles=subtitles,
            faces=faces,
            face_weight=face_weight,
            draft=draft,
            progress=progress,
        )
        output.say_warnings(sheet.warnings, quiet=quiet)
        if why:
            output.hint_at_faces(wanted=faces and not face_weight)
            for scene in sheet.scenes:
                words = scene_caption(
                    scene.emotion, cuts_per_min=scene.film.cut_rate_per_min, speech_share=scene.speech_share
                )
                said = f"{scene.emotion.label} ({top_line(scene.emotion)}), caption {words!r}"
                output.say(f"scene {scene.index + 1}, {said}: {opinions_line(scene.opinions)}")
        write(scenesheet.dumps(sheet))
