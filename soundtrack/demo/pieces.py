"""The ten pieces of the demo library, written out: two lively, two restful, two tense, two sad, one eerie, one plain.

They are data for `soundtrack.demo.band`, whose first lines tell the notation. Each lasts between two and two and a half
minutes, is built of sections in whole bars, and ends on a chord that is left to ring.
"""

from __future__ import annotations

from soundtrack.demo.band import Part, Passage, Piece

_BEAT = {
    "kick": Part("kick", "1! . . . 1 . . 1?", steps=2, gain=0.75, send=0.05),
    "snare": Part("snare", ". . 1! . . . 1! .", steps=2, gain=0.42, pan=0.05, send=0.15),
    "hat": Part("hat", "1 1? 1 1? 1 1? 1 1", steps=2, gain=0.16, pan=0.3, send=0.05),
}

MARKET_DAY = Piece(
    title="Market Day", mood="Excited", genre="Folk pop", tonic=62, mode="major", bpm=132, beats=4,
    form="iabcbdcddoz", room_s=1.1, drive=0.25, peak=0.85, extension="flac",
    parts=_BEAT | {
        "strum": Part(
            "guitar", "1+3+5 . 1+3+5? 1+3+5 . 1+3+5? 1+3+5! 1+3+5?", steps=2, gain=0.26, pan=-0.45, fold=True,
        ),
        "pick": Part("guitar", "1 5 3' 5 1' 5 3' 5", steps=2, gain=0.24, pan=0.5),
        "bass": Part("bass", "1! . 1 1 5, . 1 5,", steps=2, octave=-2, gain=0.6, send=0.05),
        "tune": Part(
            "lead",
            "5 - 3 5 1' - 7 6 | 5 - 2 5 7 - 5 - | 6 - 5 6 1' - 6 5 | 4 - 6 1' 2' - 1' - |"
            "3' - 1' 3' 5' - 3' 1' | 2' - 7 2' 5 - 5 - | 6 - 1' 6 3' - 2' 1' | 2' - 1' 7 1' - - -",
            steps=2, gain=0.42, pan=0.1, melody=True,
        ),
        "high": Part("bell", "1 . 5 . 3 . 5 .", steps=2, octave=1, gain=0.22, pan=0.4),
        "horns": Part("brass", "1+3+5! . . 1+3+5 . . 1+3+5 -", steps=2, gain=0.2, pan=-0.2, fold=True),
        "cymbal": Part("crash", "1 " + ". " * 31, gain=0.25, pan=-0.3),
        "last": Part("guitar", "1,+5,+1+3+5+1' - - - - - - -", gain=0.4),
        "lastbass": Part("bass", "1 - - - - - - -", octave=-2, gain=0.6),
        "lasthit": Part("crash", "1 . . . . . . .", gain=0.35),
    },
    passages={
        "i": Passage("1 1 4 5", ("strum", "kick", "hat"), 0.8),
        "a": Passage("1 5 6 4 1 5 4 5", ("strum", "pick", "bass", "kick", "hat", "snare"), 0.9),
        "b": Passage("1 5 6 4 1 5 6 1", ("strum", "bass", "tune", "kick", "hat", "snare", "cymbal")),
        "c": Passage("4 5 3 6 4 5 1 5", ("pick", "bass", "horns", "kick", "snare", "hat", "high"), 0.95),
        "d": Passage(
            "1 5 6 4 1 5 6 1", ("strum", "pick", "bass", "tune", "horns", "high", "kick", "snare", "hat", "cymbal"),
        ),
        "o": Passage("4 5 4 5", ("strum", "pick", "bass", "horns", "kick", "snare", "hat")),
        "z": Passage("1 1", ("last", "lastbass", "lasthit")),
    },
)  # fmt: skip

KITE_RACE = Piece(
    title="Kite Race", mood="Excited", genre="Electronic", tonic=69, mode="mixolydian", bpm=146, beats=4,
    form="iabacdbcddoz", room_s=1.4, drive=0.35, peak=0.85, extension="mp3",
    parts={
        "run": Part("lead", "1 3 5 1' 5 3 1 5, 1 3 5 1' 3' 1' 5 3", steps=4, gain=0.18, pan=-0.35, send=0.35),
        "chord": Part("pad", "1+3+5 - - -", octave=-1, gain=0.35, fold=True),
        "bass": Part("bass", ". 1 . 1! . 1 . 1", steps=2, octave=-3, gain=0.8, send=0.02),
        "drive": Part("power", "1 1 1 1 1 1 1! 1", steps=2, octave=-2, gain=0.3, pan=-0.1, send=0.1),
        "kick": Part("kick", "1! 1 1 1", gain=0.85, send=0.03),
        "clap": Part("snare", ". 1 . 1", gain=0.36, send=0.3),
        "hat": Part("hat", ". 1! . 1! . 1! . 1!", steps=2, gain=0.22, pan=0.25),
        "fine": Part("shaker", "1? 1? 1 1? ", steps=4, gain=0.12, pan=-0.25),
        "tune": Part(
            "brass",
            "1 - - 5 - - 4 5 | 7b' - - 6 5 - 4 - | 6 - - 4 - - 6 1' | 5 - - - 3 - 4 5 |"
            "1' - - 5 - - 6 7 | 2' - - 1' 7 - 5 - | 6 - 1' - 4' - 3' 2' | 1' - - - - - . .",
            steps=2, gain=0.3, pan=0.1, octave=-1, melody=True,
        ),
        "rise": Part("swell", ". . . . . . . . . . . . . . . . . . . . . . . . . . . . 1 - - -", gain=0.3),
        "cymbal": Part("crash", "1 " + ". " * 31, gain=0.28),
        "last": Part("pad", "1+3+5+1' - - - - - - -", octave=-1, gain=0.5),
        "lastbell": Part("bell", "1 - - - - - - -", octave=1, gain=0.4),
        "lastbass": Part("bass", "1 - - - - - - -", octave=-3, gain=0.8),
    },
    passages={
        "i": Passage("1 1 7 4", ("run", "hat", "chord", "kick"), 0.8),
        "a": Passage("1 1 7 4 1 1 7 4", ("run", "bass", "kick", "hat", "rise"), 0.85),
        "b": Passage("1 7 4 1 1 7 4 1", ("run", "drive", "bass", "kick", "clap", "hat", "tune", "cymbal", "chord")),
        "c": Passage("6 7 1 5 6 7 4 5", ("chord", "run", "fine", "kick", "clap", "bass", "rise"), 0.9),
        "d": Passage("1 7 4 1 1 7 4 1", ("run", "drive", "bass", "kick", "clap", "hat", "fine", "tune", "cymbal")),
        "o": Passage("4 7 4 7", ("run", "drive", "bass", "kick", "clap", "hat", "chord")),
        "z": Passage("1 1", ("last", "lastbell", "lastbass")),
    },
)  # fmt: skip

CELLAR_DOOR = Piece(
    title="Cellar Door", mood="Fear", genre="Horror", tonic=49, mode="locrian", bpm=52, beats=4,
    form="iababcdcoz", room_s=4.0, peak=0.6, extension="ogg",
    parts={
        "ground": Part("drone", "1 - - - - - - -", octave=-1, gain=0.6, send=0.2),
        "cluster": Part("tremolo", "1'+2'+5' - - - . . 1'+2'+6' -", octave=1, gain=0.16, pan=-0.4, send=0.6),
        "draught": Part("wind", "1 - - - - - - -", octave=3, gain=0.12, pan=0.2, send=0.5),
        "glass": Part("glass", ". . 2' - - - . . | . 5' - - - . 1'' - ", octave=2, gain=0.35, pan=0.45, send=0.8),
        "iron": Part("scrape", ". . . . . . . . . . . . 5' - - -", octave=2, gain=0.5, pan=-0.6, send=0.9),
        "heart": Part("heartbeat", "1 . 1 .", octave=-1, gain=0.7, send=0.1),
        "steps": Part("tom", ". . . 1? . . . . . . 1 . . . 1? 1", octave=-1, gain=0.7, pan=0.3, send=0.8),
        "toy": Part("bell", ". 1' . 2' 5' . . . . 2' . 1' . . 7 .", octave=2, gain=0.13, pan=0.2, send=0.9),
        "hit": Part("crash", ". . . . . . . . . . . . . . . 1", gain=0.3, send=0.9),
        "low": Part("double_bass", "1+2 - - - 5 - 4 -", octave=-1, gain=0.4, send=0.4),
        "last": Part("tremolo", "1'+2'+5'+7' - - - - - - -", octave=1, gain=0.2, send=0.8),
        "lastlow": Part("drone", "1 - - - - - - -", octave=-1, gain=0.8),
    },
    passages={
        "i": Passage("1 1", ("ground", "draught"), 0.7),
        "a": Passage("1 2 1 1", ("ground", "draught", "glass", "toy"), 0.8),
        "b": Passage("1 1 5 2", ("ground", "draught", "glass", "heart", "iron", "low"), 0.9),
        "c": Passage("2 1 5 1", ("ground", "draught", "cluster", "heart", "steps", "iron", "hit", "low")),
        "d": Passage("1 2", ("ground", "draught", "glass", "toy"), 0.5),
        "o": Passage("1 2", ("ground", "draught", "cluster", "heart"), 0.8),
        "z": Passage("1", ("last", "lastlow"), 0.8),
    },
)  # fmt: skip

CLOCKWORK_CHASE = Piece(
    title="Clockwork Chase", mood="Tension", genre="Thriller", tonic=60, mode="phrygian", bpm=126, beats=4,
    form="iabacbdcoz", room_s=1.8, drive=0.5, peak=0.8, extension="mp3",
    parts={
        "motor": Part("spiccato", "1! 1 1' 1 3 1 2! 1 1 5 1! 1 4 1 3 2", steps=4, gain=0.4, pan=-0.3, send=0.3),
        "second": Part("spiccato", "1+5 . . 1+5 . . 1+5 .", steps=2, octave=-1, gain=0.34, pan=0.35, send=0.3),
        "low": Part("double_bass", "1 - - - - - - 1", steps=2, octave=-2, gain=0.55, send=0.2),
        "drums": Part("tom", "1! . . 1? . . 1 1 ", steps=2, octave=-2, gain=0.7, send=0.4),
        "clock": Part("tick", "1! 1? 1? 1? 1 1? 1? 1?", steps=2, octave=2, gain=0.22, pan=0.5),
        "call": Part(
            "brass", "1 - - - 2 - - - | 3 - - - 2 - 1 - | 1 - - - 5b - - - | 4 - - - 2 - - -",
            octave=-1, gain=0.3, send=0.5, melody=True,
        ),
        "veil": Part("tremolo", "1'+2' - - - - - - -", gain=0.17, pan=0.3, send=0.5, melody=True),
        "rise": Part("swell", ". . . . . . . . . . . . . . . . . . . . . . . . . . . . 1 - - -", gain=0.4),
        "last": Part("spiccato", "1,+1+5+1' . . . . . . .", gain=0.8, send=0.6),
        "lastlow": Part("double_bass", "1 - - - . . . .", octave=-2, gain=0.7),
        "lastdrum": Part("tom", "1! . . . . . . .", octave=-2, gain=1.0, send=0.8),
    },
    passages={
        "i": Passage("1 1 1 1", ("clock", "low"), 0.7),
        "a": Passage("1 1 2 1 1 1 2 7", ("motor", "clock", "low", "rise"), 0.8),
        "b": Passage("1 1 2 1 6 7 2 1", ("motor", "second", "low", "drums", "clock"), 0.9),
        "c": Passage("1 2 1 2 4 5 6 7", ("motor", "second", "veil", "low", "drums", "rise"), 0.95),
        "d": Passage("1 1 2 2 1 1 2 7", ("motor", "second", "low", "drums", "call", "veil", "clock")),
        "o": Passage("1 2 1 2", ("motor", "second", "low", "drums")),
        "z": Passage("1 1", ("last", "lastlow", "lastdrum")),
    },
)  # fmt: skip

TIGHTROPE = Piece(
    title="Tightrope", mood="Tension", genre="Suspense", tonic=52, mode="phrygian", bpm=92, beats=4,
    form="iabacbcoz", room_s=2.6, peak=0.65, extension="flac",
    parts={
        "pulse": Part("bass", "1! 1? 1 1? 1 1? 1 1?", steps=2, octave=-1, gain=0.6, send=0.1),
        "clock": Part("tick", "1 1? 1? 1? ", steps=2, octave=3, gain=0.2, pan=-0.5, send=0.4),
        "draught": Part("wind", "1 - - - - - - -", octave=2, gain=0.09, pan=-0.3, send=0.5),
        "thread": Part(
            "tremolo", "1' - - - - - - - 2' - - - - - - - 3' - - - - - - - 4' - - - 5b' - - -",
            octave=1, gain=0.17, pan=0.35, send=0.6, melody=True,
        ),
        "drop": Part("electric_piano", ". . . 5' . . . . . . 2' . . . . . ", octave=1, gain=0.3, pan=-0.2, send=0.8),
        "chord": Part("strings", "1+5 - - - 1+2+5 - - -", gain=0.2, send=0.5),
        "drum": Part("tom", "1! . . . . . . . . . . 1? . 1 . .", steps=2, octave=-1, gain=0.7, send=0.7),
        "rise": Part("swell", ". . . . . . . . . . . . . . . . . . . . . . . . . . . . 1 - - -", gain=0.35, send=0.5),
        "last": Part("strings", "1,+5,+2 - - - - - - -", gain=0.4, send=0.7),
        "lastdrum": Part("tom", "1 . . . . . . .", octave=-1, gain=0.5, send=0.7),
    },
    passages={
        "i": Passage("1 1 1 1", ("pulse", "clock"), 0.7),
        "a": Passage("1 1 2 1 1 1 2 1", ("pulse", "clock", "drop"), 0.8),
        "b": Passage("1 1 2 2 1 1 3 2", ("pulse", "clock", "draught", "thread", "drop", "drum", "rise"), 0.9),
        "c": Passage("4 4 3 2 1 1 2 2", ("pulse", "chord", "draught", "thread", "drum", "rise")),
        "o": Passage("1 2 1 2", ("pulse", "clock", "chord"), 0.8),
        "z": Passage("1 1", ("last", "lastdrum")),
    },
)  # fmt: skip

LANTERNS = Piece(
    title="Lanterns on Water", mood="Relaxation", genre="Ambient", tonic=53, mode="lydian", bpm=64, beats=4,
    form="iababcoz", room_s=3.4, peak=0.5, extension="ogg",
    parts={
        "pad": Part("pad", "1+3+5+7 - - -", gain=0.28, fold=True, send=0.4),
        "harp": Part("harp", "1 5 1' 3' 5' 3' 1' 5", steps=2, gain=0.34, pan=-0.3, send=0.4),
        "low": Part("double_bass", "1 - - -", octave=-1, gain=0.24),
        "flute": Part(
            "flute",
            "5' - - 3' 2' - 1' - | 3' - - - - - . . | 6 - 7 1' 2' - 3' - | 2' - - - - - . . |"
            "5' - 6' 5' 3' - 2' - | 1' - - - 7 - 6 - | 5 - - 6 1' - 2' - | 1' - - - - - . .",
            steps=2, octave=1, gain=0.26, pan=0.2, send=0.6, melody=True,
        ),
        "drops": Part("bell", ". . . . 5' . . . . . . . . 3' . .", steps=1, octave=1, gain=0.12, pan=0.5, send=0.8),
        "last": Part("harp", "1,+5,+1+3+5+2'+5' - - - - - - -", gain=0.36, send=0.6),
        "lastpad": Part("pad", "1+3+5 - - - - - - -", gain=0.3),
    },
    passages={
        "i": Passage("1 2 1 2", ("pad", "harp"), 0.8),
        "a": Passage("1 2 1 2 6 5 4 5", ("pad", "harp", "low", "drops"), 0.9),
        "b": Passage("1 2 6 5 1 3 4 1", ("pad", "harp", "low", "flute")),
        "c": Passage("4 5 6 5", ("pad", "low", "drops"), 0.8),
        "o": Passage("1 2", ("pad", "harp"), 0.8),
        "z": Passage("1 1", ("last", "lastpad"), 0.9),
    },
)  # fmt: skip

SLOW_HARBOUR = Piece(
    title="Slow Harbour", mood="Relaxation", genre="Acoustic", tonic=55, mode="major", bpm=78, beats=3,
    form="iababcboz", room_s=2.2, peak=0.5, extension="m4a",
    parts={
        "pick": Part("guitar", "1! 5? 1' 3'? 1' 5?", steps=2, gain=0.3, pan=-0.25, send=0.3),
        "hum": Part("strings", "1+3+5 - -", gain=0.13, fold=True, pan=0.2, send=0.5),
        "low": Part("double_bass", "1 - -", octave=-1, gain=0.26),
        "tune": Part(
            "piano",
            "3' - 2' | 1' - 5 | 6 - 1' | 5 - - | 4' - 3' | 2' - 6 | 7 - 2' | 1' - - |"
            "3' - 5' | 6' - 5' | 3' - 1' | 2' - - | 4' - 2' | 7 - 6 | 5 - 7 | 1' - -",
            octave=1, gain=0.4, pan=0.15, send=0.4, melody=True,
        ),
        "harp": Part("harp", "1 3 5 1' 3' 5'", steps=2, octave=1, gain=0.2, pan=0.4, send=0.4),
        "last": Part("guitar", "1,+5,+1+3+5 - - - - -", gain=0.4),
        "lastharp": Part("harp", "1+5+3' - - - - -", octave=1, gain=0.25),
    },
    passages={
        "i": Passage("1 4 1 5", ("pick",), 0.8),
        "a": Passage("1 1 4 1 4 2 5 1", ("pick", "hum", "low"), 0.85),
        "b": Passage("1 1 4 1 4 2 5 1", ("pick", "hum", "low", "tune", "harp")),
        "c": Passage("6 3 4 1 2 6 4 5", ("harp", "hum", "low"), 0.8),
        "o": Passage("4 1 4 5", ("pick", "hum", "low"), 0.8),
        "z": Passage("1 1", ("last", "lastharp"), 0.9),
    },
)  # fmt: skip

EMPTY_PLATFORM = Piece(
    title="Empty Platform", mood="Sad", genre="Classical", tonic=57, mode="minor", bpm=58, beats=4,
    form="iababoz", room_s=2.8, peak=0.5, extension="flac",
    parts={
        "left": Part("piano", "1 5 1' 3' . 1' 5 .", steps=2, octave=-1, gain=0.36, pan=-0.2, send=0.3),
        "right": Part("piano", "1+3 - - - 3+5? - - -", steps=2, gain=0.3, pan=0.2, fold=True, send=0.3),
        "cello": Part(
            "cello",
            "5 - - - - - 4 3 | 3 - 2 - 1 - - - | 6 - - 5 4 - 3 - | 2 - - - - - . . |"
            "5 - - 6 7 - 1' - | 1' - 7 6 5 - - - | 4 - - 3 2 - 7#, - | 1 - - - - - . .",
            steps=2, gain=0.3, send=0.45, melody=True,
        ),
        "hum": Part("strings", "1+3+5 - - -", octave=-1, gain=0.14, fold=True, send=0.5),
        "high": Part("piano", ". . . . 5' . 3' .", steps=2, octave=1, gain=0.22, pan=0.3, send=0.5),
        "last": Part("piano", "1,+5,+1+3+5 - - - - - - -", octave=-1, gain=0.4, send=0.4),
        "lastcello": Part("cello", "1 - - - - - . .", octave=-1, gain=0.25, send=0.4),
    },
    passages={
        "i": Passage("1 6", ("left",), 0.8),
        "a": Passage("1 6 4 5h 1 3 4 5h", ("left", "right", "high"), 0.85),
        "b": Passage("1 6 4 5 3 6 4 1", ("left", "cello", "hum")),
        "o": Passage("4 5h", ("left", "right"), 0.75),
        "z": Passage("1 1", ("last", "lastcello"), 0.8),
    },
)  # fmt: skip

LETTERS = Piece(
    title="Lonely Street", mood="Sad", genre="Chamber", tonic=50, mode="minor", bpm=62, beats=3,
    form="iabacoz", room_s=2.8, peak=0.5, extension="mp3",
    parts={
        "section": Part("strings", "1+3+5 - -", octave=1, gain=0.2, fold=True, pan=-0.15, send=0.45),
        "low": Part("double_bass", "1 - -", gain=0.3, octave=-1, send=0.3),
        "harp": Part("harp", "1 3 5 1' 5 3", steps=2, gain=0.26, pan=-0.4, send=0.4),
        "flute": Part(
            "flute",
            "5 - 4 | 3 - - | 4 - 3 | 2 - - | 3 - 5 | 1' - 7 | 6 - 4 | 5 - - |"
            "1' - 7 | 6 - 5 | 4 - 6 | 5 - 3 | 4 - 2 | 3 - 1 | 2 - 7#, | 1 - -",
            octave=2, gain=0.3, pan=0.2, send=0.5, melody=True,
        ),
        "cello": Part(
            "cello", "1 - 2 | 3 - - | 2 - 1 | 7, - - | 1 - 3 | 6 - 5 | 4 - 2 | 3 - 2",
            octave=0, gain=0.26, pan=-0.1, send=0.4, melody=True,
        ),
        "last": Part("strings", "1,+5,+1+3 - - - - -", octave=1, gain=0.28, send=0.5),
        "lastharp": Part("harp", "1+5+1'+3' - - - - -", gain=0.3),
    },
    passages={
        "i": Passage("1 1", ("harp",), 0.8),
        "a": Passage("1 6 4 5h 1 6 2 5h", ("harp", "low", "cello"), 0.85),
        "b": Passage("1 6 4 5h 3 6 4 5 1 4 2 3 4 6 5h 1", ("section", "low", "flute", "harp")),
        "c": Passage("6 3 4 1 2 5h", ("section", "low", "cello"), 0.8),
        "o": Passage("4 1 5h", ("section", "harp"), 0.75),
        "z": Passage("1 1", ("last", "lastharp"), 0.8),
    },
)  # fmt: skip

PLAIN_ROAD = Piece(
    title="Plain Road", mood="Neutral", genre="Background", tonic=60, mode="major", bpm=98, beats=4,
    form="iabacbaoz", room_s=1.2, peak=0.55, extension="opus",
    parts={
        "keys": Part("electric_piano", "1+3+5 - . 1+3+5? - . 1+3+5 -", steps=2, gain=0.26, fold=True, pan=-0.2),
        "bass": Part("bass", "1 - - 1 - - 5, -", steps=2, octave=-2, gain=0.5, send=0.05),
        "shake": Part("shaker", "1? 1 1? 1", steps=2, gain=0.13, pan=0.4),
        "kick": Part("kick", "1 . . . 1 . . .", steps=2, gain=0.45, send=0.03),
        "rim": Part("tick", ". . 1 . . . 1 .", steps=2, octave=2, gain=0.25, pan=-0.3),
        "tune": Part(
            "guitar", "3 . 2 3 5 . . . | 6 . 5 3 2 . . . | 1 . 2 3 5 . 3 . | 2 . . . . . . .",
            steps=2, gain=0.32, pan=0.25, melody=True,
        ),
        "last": Part("electric_piano", "1,+5,+1+3+5 - - - - - - -", gain=0.4),
        "lastbass": Part("bass", "1 - - - - - - -", octave=-2, gain=0.5),
    },
    passages={
        "i": Passage("1 4 1 4", ("keys", "shake"), 0.8),
        "a": Passage("1 4 1 4 6 4 2 5", ("keys", "bass", "shake", "kick", "rim"), 0.9),
        "b": Passage("1 6 4 5 1 6 4 5", ("keys", "bass", "shake", "kick", "rim", "tune")),
        "c": Passage("2 5 1 6 2 5 1 1", ("keys", "bass", "shake"), 0.85),
        "o": Passage("4 4 5 5", ("keys", "bass", "shake"), 0.85),
        "z": Passage("1 1", ("last", "lastbass"), 0.9),
    },
)  # fmt: skip

PIECES: tuple[Piece, ...] = (
    MARKET_DAY, KITE_RACE, CELLAR_DOOR, CLOCKWORK_CHASE, TIGHTROPE,
    LANTERNS, SLOW_HARBOUR, EMPTY_PLATFORM, LETTERS, PLAIN_ROAD,
)  # fmt: skip
"""The whole library."""
