"""Parameters of the music network, from a model's ``config.json``.

No network library is needed to read them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from soundtrack.audio.mel import MelSettings
from soundtrack.networks.mel_config import MelCnnConfig


@dataclass(frozen=True, slots=True)
class MusicTowerConfig:
    """Every number that belongs to the weights."""

    mel: MelSettings = field(default_factory=lambda: MelSettings(n_pitches=84))
    """How the spectrogram is taken."""
    cnn: MelCnnConfig = field(default_factory=MelCnnConfig)
    """Shape of the network."""
    segment_s: float = 10.0
    """Length of the stretches it was trained on, in seconds."""
    hop_frames: int = 96
    """Spectrogram frames from one patch to the next."""
    silence_level: float = -6.0
    """Patches whose mean log-mel value lies below this count as silent."""
    speech: tuple[int, ...] = ()
    """Sound classes that are speech."""
    singing: tuple[int, ...] = ()
    """Sound classes that are singing."""
    music: tuple[int, ...] = ()
    """Sound classes that are music."""
    no_voice_under: float = 0.0
    """A track none of whose patches reaches this chance of speech or singing holds no voice; 0 never says so."""

    def to_dict(self) -> dict[str, object]:
        """As kept in ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, object]) -> MusicTowerConfig:
        """The config that `to_dict` came from; the entry ``head`` beside it is `music_head.head_form`'s."""
        from soundtrack.checkpoints.config_json import from_document

        return from_document(cls, {name: value for name, value in document.items() if name != "head"})
