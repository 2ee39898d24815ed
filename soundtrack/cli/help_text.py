"""Layout of help: options in panels, metavars in words, examples at the end, descriptions in full.

Plain text in place of typer's boxes: those need rich, which takes longer to import than the whole of ``--help`` takes.
"""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

PANELS = {
    "Input and output": (
        "--output --out --cues --dry-run --stems --music-track --save --plot --png --html --film --to --relative"
        " --from --draft --markers --small-copy --json --force"
    ),
    "Choice of music": (
        "--lock --keep --mood --silence --hit --avoid --only --avoid-recent --max-cues --one-track --loop"
        " --allow-vocals --no-taste --no-explicit --license --language --lexicon"
        " --subtitles --faces --face-weight --allow-spoken --over-music --stretch --track"
        " --theme --density --swap --valence --arousal --like --picture --number --seconds"
    ),
    "Music rules": "--exclude --include --drop --min-length --max-length --clear",
    "Mix": (
        "--target --keep-original --keep-voices --keep-level --narration --narration-at --music-level --duck"
        " --duck-vocals --mix --gain-db --fade-in --fade-out --start --end"
    ),
    "Photos": "--seconds-per-image --moves",
    "Camera": "--camera --overlay --selfie",
    "Reproducibility": "--seed --seeds --explore --no-cache --draws",
    "Many films": "--batch --report",
    "Maintenance": "--rebuild --prune --retry-failed --wait --status --verify --vacuum --watch --missing",
    "Training": (
        "--teachers --init --epochs --width --side --listen --teacher --musicnn --ratings --group --felt --steps"
        " --video --music"
    ),
    "Evaluation": "--folds --set --scale --kind --per-track --confusion --compare --lyrics",
    "Machine": "--index --model --device --decoder --cluster --jobs --pace",
}
"""Heading of a panel and the options that belong to it, in any command; all others are under Options."""

EXAMPLES = {
    "soundtrack": ("soundtrack index ~/Music", "soundtrack score film.mp4"),
    "soundtrack index": (
        "soundtrack index ~/Music",
        "soundtrack index --exclude 'Audiobooks/' ~/Music",
        "soundtrack index --pace 25% ~/Music",
        "soundtrack index --status",
    ),
    "soundtrack score": (
        "soundtrack score film.mp4",
        "soundtrack score film.mp4 --mood 0:30-1:10=tense --silence 2:00-2:30",
        "soundtrack score film.mp4 --target broadcast --one-track",
        "soundtrack score short.mp4 --loop",
        "soundtrack score film.mp4 --keep-voices",
        "soundtrack score film.mp4 --track song.mp3",
        "soundtrack score film.mp4 --license own,cc0,cc-by",
        "soundtrack score - -o scored.mp4 < film.mp4",
        "soundtrack score photos/ -o photos.mp4 --seconds-per-image 4",
        "soundtrack score --batch holiday/ -o scored/ --theme song.mp3",
        "soundtrack score --batch shorts.csv -o scored/ --report night.html",
        "soundtrack score --watch ~/Videos/new -o ~/Videos/scored",
    ),
    "soundtrack scenes": (
        "soundtrack scenes film.mp4 -o film.scenes.json",
        "soundtrack scenes film.mp4 --draft -o film.draft.json",
        "soundtrack scenes photo.jpg",
    ),
    "soundtrack spot": (
        "soundtrack spot film.scenes.json -o film.cues.json",
        "soundtrack scenes film.mp4 | soundtrack spot - --hit 1:23.4 -o film.cues.json",
    ),
    "soundtrack render": (
        "soundtrack render film.mp4 film.cues.json -o out.mp4",
        "soundtrack render film.mp4 film.scored.cues.json --swap 1m02=2 -o new.mp4",
        "soundtrack render film.mp4 film.cues.json --from 1:00 --to 1:30 --draft",
    ),
    "soundtrack conform": (
        "soundtrack conform film.scored.cues.json film-2.mp4 -o film-2.cues.json",
        "soundtrack conform film.scored.cues.json film-2.mp4 --film old/film.mp4 --all",
    ),
    "soundtrack review": (
        "soundtrack review film.scored.cues.json",
        "soundtrack review film.mp4 --no-browser --port 8765",
        "soundtrack review --ab film.mp4 --against arousal --pairs 20",
        "soundtrack review --ab film.mp4 --results",
    ),
    "soundtrack verify": ("soundtrack verify film.mp4 film.scored.mp4",),
    "soundtrack search": (
        "soundtrack search --mood calm -n 5",
        "soundtrack search --like song.mp3",
        "soundtrack search --like 'hopeful, slow, no vocals'",
        "soundtrack search --mood calm --language de,none",
        "soundtrack search --picture a.jpg b.jpg",
        "soundtrack search --valence 0.5 --arousal -0.3 --json",
    ),
    "soundtrack watch": (
        "soundtrack watch --camera 0",
        "soundtrack watch --camera film.mp4 --json",
        "soundtrack watch --camera 0 -o annotated.mp4",
        "soundtrack watch --selfie",
    ),
    "soundtrack voices": (
        "soundtrack voices film.mp4",
        "soundtrack score film.mp4 -o new.mp4 --replace --narration film.voices.flac",
    ),
    "soundtrack excerpt": (
        "soundtrack excerpt song.mp3 --seconds 30 -o trailer.wav",
        "soundtrack excerpt song.mp3 --seconds 15 --loop -o loop.flac",
    ),
    "soundtrack mcp": ("soundtrack mcp",),
    "soundtrack taste": ("soundtrack taste show", "soundtrack taste forget"),
    "soundtrack taste show": ("soundtrack taste show", "soundtrack taste show --json"),
    "soundtrack taste forget": ("soundtrack taste forget",),
    "soundtrack config": ("soundtrack config", "soundtrack config --defaults"),
    "soundtrack doctor": ("soundtrack doctor", "soundtrack doctor --json"),
    "soundtrack help": ("soundtrack help score", "soundtrack help moods", "soundtrack help --man > soundtrack.1"),
    "soundtrack demo": ("soundtrack demo", "soundtrack demo /tmp/demo"),
    "soundtrack cues": (
        "soundtrack cues show film.scored.cues.json --why",
        "soundtrack render film.mp4 film.scored.cues.json --swap 1m02=2 -o new.mp4",
        "soundtrack cues export film.scored.cues.json -o film.fcpxml",
    ),
    "soundtrack cues show": (
        "soundtrack cues show film.scored.cues.json",
        "soundtrack cues show film.scored.cues.json --why",
        "soundtrack cues show film.scored.cues.json --plot timeline.svg",
    ),
    "soundtrack cues check": ("soundtrack cues check film.scored.cues.json",),
    "soundtrack cues export": (
        "soundtrack cues export film.scored.cues.json --to fcpxml -o film.fcpxml",
        "soundtrack cues export film.scored.cues.json --to edl -o film.edl",
        "soundtrack cues export film.scored.cues.json -o film.otio --markers bars",
        "soundtrack cues export film.scored.cues.json --to txt",
    ),
    "soundtrack cues import": (
        "soundtrack cues import edited.otio film.scored.cues.json -o new.cues.json",
        "soundtrack cues import edited.fcpxml film.scored.cues.json -o new.cues.json",
    ),
    "soundtrack cues lock": ("soundtrack cues lock film.scored.cues.json 1m02 1m03",),
    "soundtrack cues unlock": ("soundtrack cues unlock film.scored.cues.json --all",),
    "soundtrack cues silence": ("soundtrack cues silence film.scored.cues.json 1m02",),
    "soundtrack cues set": ("soundtrack cues set film.scored.cues.json 1m02 --gain-db -3 --fade-out 2.5",),
    "soundtrack library list": ("soundtrack library list", "soundtrack library list --left-out"),
    "soundtrack library show": ("soundtrack library show ~/Music/song.mp3",),
    "soundtrack library forget": ("soundtrack library forget --missing",),
    "soundtrack library rules": (
        "soundtrack library rules --exclude 'Podcasts/' --min-length 20",
        "soundtrack library rules --drop 'Podcasts/'",
    ),
    "soundtrack library moods": (
        "soundtrack library moods -o moods.csv",
        "soundtrack library moods --tag-copies ~/Tagged",
    ),
    "soundtrack library map": (
        "soundtrack library map",
        "soundtrack library map --html map.html",
        "soundtrack library map --png map.png --by likeness",
    ),
    "soundtrack library export": ("soundtrack library export music.index",),
    "soundtrack library import": ("soundtrack library import music.index --map /mnt/music=/home/me/Music",),
    "soundtrack models list": ("soundtrack models list",),
    "soundtrack models verify": ("soundtrack models verify", "soundtrack models verify joint-space"),
    "soundtrack models pull": ("soundtrack models pull faces", "soundtrack models pull NAME --sha256 HEX"),
    "soundtrack models add": ("soundtrack models add my-space out/",),
    "soundtrack train video": ("soundtrack train video clips.csv --out out/",),
    "soundtrack train music": ("soundtrack train music clips.csv --out out/ --ratings ratings.csv",),
    "soundtrack train space": ("soundtrack train space films/ --out out/",),
    "soundtrack eval labels": ("soundtrack eval labels clips.csv --folds 5",),
    "soundtrack eval va": (
        "soundtrack eval va ratings.csv --scale 1 9",
        "soundtrack eval va ratings.csv --folds 5 --compare",
    ),
    "soundtrack eval moments": ("soundtrack eval moments clips.csv",),
    "soundtrack eval answers": ("soundtrack eval answers answers.jsonl",),
    "soundtrack eval faces": ("soundtrack eval faces faces.csv",),
    "soundtrack eval playlists": ("soundtrack eval playlists ~/Music/playlists",),
}
"""Command lines at the end of a command's help."""

_IN_WORDS = (
    (r"<path>|\bPATH\b", "FILE"),
    (r"<int(?: range)?>|\bINTEGER(?: RANGE)?\b", "N"),
    (r"<float(?: range)?>|\bFLOAT(?: RANGE)?\b", "NUMBER"),
    (r"<str>", "TEXT"),
    (r"; -?[\d.]+<=x(?:<=-?[\d.]+)?\]|; x[<>]=-?[\d.]+\]", "]"),
    (r"  \[-?[\d.]+<=x(?:<=-?[\d.]+)?\]|  \[x[<>]=-?[\d.]+\]", ""),
    (r"\[default: \((.*?)\)\]", r"[default: \1]"),
)
"""How typer names the kinds of values and their ranges, and what is shown: the descriptions give units and limits."""

_DEFAULT_PANEL = "Options"


def _panel_of(param: Any) -> str:
    """Heading under which an option is listed."""
    own = getattr(param, "rich_help_panel", None)
    if own is not None:  # an option of one name under two headings, such as --watch
        return str(own)
    names = set(param.opts)
    return next((title for title, options in PANELS.items() if names & set(options.split())), _DEFAULT_PANEL)


def _in_words(text: str) -> str:
    """A name or description of an option, with its kind of value in words."""
    for theirs, ours in _IN_WORDS:
        text = re.sub(theirs, ours, text)
    return text


def _write_panels(command: Any, ctx: Any, formatter: Any) -> None:
    """Arguments, then options by panel."""
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{title: [] for title in PANELS}, _DEFAULT_PANEL: []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None:
            if param.param_type_name == "argument":
                name = str(param.metavar or param.name.upper()).strip("[].")
                panels["Arguments"].append((name, _in_words(record[1]).removesuffix("[required]").strip()))
            else:
                panels[_panel_of(param)].append((_in_words(record[0]), _in_words(record[1])))
    for title, records in panels.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _write_examples(ctx: Any, formatter: Any) -> None:
    """The examples of a command, one a line and never wrapped: they are there to be copied."""
    lines = EXAMPLES.get(ctx.command_path)
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class HelpfulCommand(TyperCommand):
    """A command with its options in panels and examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return arguments as manuals show them: VIDEO, [VIDEO], [PATH]..."""
        pieces = super().collect_usage_pieces(ctx)
        return [re.sub(r"^\{(.*)\}", r"\1", piece).replace("[[", "[").replace("]]", "]") for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_panels(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(ctx, formatter)


class HelpfulGroup(TyperGroup):
    """A group that shows the description of each command in full."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one row per command."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _summary(command)) for name, command in commands if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(ctx, formatter)


def _summary(command: Any) -> str:
    """First sentence or paragraph of a command's description, whole."""
    text = command.short_help or (command.help or "").partition("\n\n")[0]
    return " ".join(str(text).split())
