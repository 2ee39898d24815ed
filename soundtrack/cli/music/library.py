"""``soundtrack library list|show|forget|rules|moods|map|export|import``: inspect and manage the library."""

from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli import STYLE
from soundtrack.cli.music import carry, map_, moods, rules
from soundtrack.cli.options import Index, Lexicon, Quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundtrack.types import Track

app = typer.Typer(no_args_is_help=True, **STYLE)

app.command("rules")(rules.rules)
app.command("moods")(moods.moods)
app.command("map")(map_.map_)
app.command("export")(carry.export)
app.command("import")(carry.import_)

_NARROWEST = 8
"""Cells below which no column of a table is cut."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]


def track_facts(track: "Track") -> dict[str, object]:
    """A track as plain values, without its beats and segments."""
    from soundtrack.library.report import shown

    return {
        "track_id": track.track_id,
        "path": shown(track.path),
        "title": track.tags.title,
        "artist": track.tags.artist,
        "album_artist": track.tags.album_artist,
        "album": track.tags.album,
        "genre": track.tags.genre,
        "year": track.tags.year,
        "licence": track.tags.licence,
        "isrc": track.tags.isrc,
        "codec": track.audio.codec,
        "duration_s": round(track.audio.duration_s, 3),
        "mood": track.emotion.label,
        "valence": round(track.emotion.valence, 3),
        "arousal": round(track.emotion.arousal, 3),
        "tempo_bpm": None if track.analysis.tempo_bpm is None else round(track.analysis.tempo_bpm, 1),
        "key": track.analysis.key,
        "integrated_lufs": round(track.loudness.integrated_lufs, 1),
        "true_peak_dbtp": round(track.loudness.true_peak_dbtp, 1),
        "vocal_share": None if track.analysis.vocal_share is None else round(track.analysis.vocal_share, 3),
        "ending": track.analysis.ending.value,
    }


def table(lines: "Sequence[Sequence[str]]", *, columns: int | None = None) -> str:
    """Columns of text under their headings, safe on any terminal.

    Parameters
    ----------
    lines : sequence of sequence of str
        The headings, then the rows.
    columns : int, optional
        Width of the terminal in cells: the widest columns are cut until a row fits, a path at its beginning.
    """
    from rich.cells import cell_len

    from soundtrack.cli.output import plain

    cells = [[plain(cell, limit=120) for cell in line] for line in lines]
    widths = [max(cell_len(line[i]) for line in cells) for i in range(len(cells[0]))]
    while columns is not None and sum(widths) + 2 * (len(widths) - 1) > columns and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    rows = (
        "  ".join(_fit(cell, widths[i], keep_end=lines[0][i] == "path") for i, cell in enumerate(line)).rstrip()
        for line in cells
    )
    return "".join(f"{row}\n" for row in rows)


def _fit(text: str, width: int, *, keep_end: bool) -> str:
    """Text in exactly this number of terminal cells, where an ideograph takes two and a combining accent none."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    if not keep_end:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    while cell_len(text) > width - 1:
        text = text[1:]
    return set_cell_size("…" + text, width)


def track_line(track: "Track") -> list[str]:
    """Id, mood, length, tempo, key, level, title, artist and place of a track, for a table."""
    from soundtrack.library.report import shown
    from soundtrack.timebase import clock

    tempo = track.analysis.tempo_bpm
    return [
        track.track_id[:12],
        track.emotion.label,
        clock(track.audio.duration_s),
        "-" if tempo is None else f"{tempo:.0f}",
        track.analysis.key or "-",
        f"{track.loudness.integrated_lufs:.1f}",
        track.tags.title or "-",
        track.tags.artist or "-",
        shown(track.path),
    ]


TRACK_HEADINGS = ["id", "mood", "length", "bpm", "key", "LUFS", "title", "artist", "path"]
"""Headings over `track_line`."""


@app.command("list")
def list_tracks(
    index: Index = None,
    missing: Annotated[bool, typer.Option("--missing", help="List only tracks whose files are missing now.")] = False,
    left_out: Annotated[bool, typer.Option("--left-out", help="List only excluded tracks, with the reason.")] = False,
    as_json: Json = False,
) -> None:
    """List all tracks of the index, sorted by path."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.library.search.offer import judge
    from soundtrack.library.search.query import in_order
    from soundtrack.library.store.files import there_now
    from soundtrack.library.store.store import open_store

    with open_store(pipeline.index_dir(index)) as store:
        there = there_now(store.locations().values())
        tracks = sorted(store.tracks().values(), key=lambda track: in_order(track.path))
        why = {verdict.track_id: verdict.reason for verdict in judge(store) if verdict.reason is not None}
    if left_out:
        tracks = [track for track in tracks if track.track_id in why]
    if missing:
        tracks = [track for track in tracks if track.track_id not in there]
    columns = output.stdout_columns()
    with output.product() as stream:
        if as_json:
            said = ({"missing": t.track_id not in there, "left_out": why.get(t.track_id)} for t in tracks)
            output.write_json([track_facts(t) | more for t, more in zip(tracks, said, strict=True)], stream)
        elif left_out:
            lines = [[why[track.track_id], *track_line(track)] for track in tracks]
            stream.write(table([["why", *TRACK_HEADINGS], *lines], columns=columns))
        else:
            stream.write(table([TRACK_HEADINGS, *(track_line(track) for track in tracks)], columns=columns))


@app.command("show")
def show_track(
    track: Annotated[str, typer.Argument(metavar="TRACK", help="File, id, or prefix of an id.")],
    lexicon: Lexicon = None,  # noqa: ARG001 - its callback has the say
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Show the analysis of a track, by segment and by channel."""
    import contextlib

    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import ModelError
    from soundtrack.export.opinions import opinion_facts, opinions_line
    from soundtrack.library.descriptors import describe
    from soundtrack.library.heard import Warned
    from soundtrack.library.lyrics import unread_lyrics
    from soundtrack.library.report import shown
    from soundtrack.library.search.offer import judge
    from soundtrack.library.search.query import find_track
    from soundtrack.library.store.files import there_now
    from soundtrack.library.store.store import open_store
    from soundtrack.pipeline.library.sung import vocal_spans
    from soundtrack.timebase import clock

    with open_store(pipeline.index_dir(index)) as store:
        found = store.track(find_track(store, track))
        places = [p for p in store.locations().values() if p.track_id == found.track_id]
        unread = unread_lyrics(found.path)
        warnings = (*store.warnings(found.track_id), *([] if unread is None else [unread]))
        why = next(verdict.reason for verdict in judge(store) if verdict.track_id == found.track_id)
        with contextlib.suppress(ModelError):  # what was heard can be shown without the networks
            found = pipeline.with_opinions(store, found)
    voices = vocal_spans(found)
    facts = track_facts(found) | {
        "places": [shown(place.path) + ("" if there_now([place]) else " (missing)") for place in places],
        "warnings": list(warnings),
        "left_out": why,
        "n_beats": len(found.analysis.beats_s),
        "beats_per_bar": found.analysis.beats_per_bar,
        "sections_s": list(found.analysis.sections_s),
        "voices_s": None if voices is None else [[span.start_s, span.end_s] for span in voices],
        "descriptors": describe(found, spoken=Warned.SPEECH in warnings).as_dict(),
    }
    segments = [
        {
            "start_s": segment.span.start_s,
            "end_s": segment.span.end_s,
            "mood": segment.emotion.label,
            "valence": round(segment.emotion.valence, 3),
            "arousal": round(segment.emotion.arousal, 3),
            "confidence": round(segment.emotion.confidence, 3),
            "loudness_lufs": round(segment.loudness_lufs, 1),
            "vocal_share": segment.vocal_share,
            "opinions": [opinion_facts(opinion) for opinion in segment.opinions],
        }
        for segment in found.segments
    ]
    with output.product() as stream:
        if as_json:
            output.write_json(facts | {"segments": segments}, stream)
            return
        for name, value in facts.items():
            if value is not None:
                parts = [f"{key} {its}" for key, its in value.items()] if isinstance(value, dict) else value
                text = ", ".join(str(part) for part in parts) if isinstance(parts, list) else str(parts)
                stream.write(f"{name}: {output.plain(text)}\n")
        headings = ["from", "to", "mood", "valence", "arousal", "LUFS", "voice"]
        lines = [
            [
                clock(s.span.start_s),
                clock(s.span.end_s),
                s.emotion.label,
                f"{s.emotion.valence:+.2f}",
                f"{s.emotion.arousal:+.2f}",
                f"{s.loudness_lufs:.1f}",
                "-" if s.vocal_share is None else f"{s.vocal_share:.0%}",
            ]
            for s in found.segments
        ]
        stream.write("\n" + table([headings, *lines]))
        said = [
            f"{clock(s.span.start_s)}  {output.plain(opinions_line(s.opinions), limit=2_000)}\n"
            for s in found.segments
            if s.opinions
        ]
        if said:
            stream.write("\nreadings by channel:\n" + "".join(said))


@app.command("forget")
def forget(
    tracks: Annotated[list[str] | None, typer.Argument(metavar="TRACK", help="Files, ids, or prefixes of ids.")] = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Remove all tracks whose files were missing at the last run of `soundtrack index` and still are.",
        ),
    ] = False,
    index: Index = None,
    quiet: Quiet = False,
) -> None:
    """Remove tracks from the index (files are not deleted; existing files return with the next `soundtrack index`)."""
    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.library.advice import index_command
    from soundtrack.library.search.query import find_track
    from soundtrack.library.store.store import open_store
    from soundtrack.library.update.maintenance import forget_tracks
    from soundtrack.naming.wording import counted

    if not tracks and not missing:
        raise UsageError("no tracks given", hint="give tracks, or use --missing")
    folder = pipeline.index_dir(index)
    with open_store(folder) as store:
        chosen = [find_track(store, name) for name in tracks or ()]
    done = forget_tracks(folder, chosen, missing=missing)
    output.say(f"{counted(done.n_removed, 'track')} removed", quiet=quiet)
    if done.n_kept:
        kept = f"{counted(done.n_kept, 'track')} kept: the files are present again; run `{index_command(folder)}`"
        output.say(kept, quiet=quiet)
    if done.n_since:
        since = f"{counted(done.n_since, 'track')} kept: missing only since the last run; run `{index_command(folder)}`"
        output.say(f"{since} first", quiet=quiet)
