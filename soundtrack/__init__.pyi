from .api import index as index, render as render, scenes as scenes, score as score, search as search, spot as spot
from .errors import (
    DependencyError as DependencyError,
    ExitCode as ExitCode,
    FfmpegError as FfmpegError,
    InputError as InputError,
    LibraryError as LibraryError,
    ModelError as ModelError,
    NothingFitsError as NothingFitsError,
    OutputError as OutputError,
    PartialError as PartialError,
    Reason as Reason,
    SoundtrackError as SoundtrackError,
    UsageError as UsageError,
)
from .library.report import IndexReport as IndexReport, SkippedFile as SkippedFile
from .library.search.query import Found as Found
from .library.search.rules import RuleChange as RuleChange
from .merit_table import MeritTable as MeritTable, PlanTable as PlanTable, Row as Row
from .mix.report import RenderReport as RenderReport
from .pipeline.ground.paths import PathLike as PathLike
from .pipeline.library.opened import Library as Library
from .pipeline.rendering import Scored as Scored
from .pipeline.sheets.keeping import Keep as Keep, keep_locked as keep_locked
from .pipeline.sheets.sheet_files import (
    read_cues as read_cues,
    read_scenes as read_scenes,
    write_cues as write_cues,
    write_scenes as write_scenes,
)
from .pipeline.sheets.wishes import LockWish as LockWish, Wishes as Wishes
from .progress import Progress as Progress
from .settings import MixSettings as MixSettings, SpottingSettings as SpottingSettings
from .spotting.merit.constraints import MoodWish as MoodWish
from .spotting.merit.moods import mood as mood
from .types import (
    EMOTIONS as EMOTIONS,
    Alternative as Alternative,
    Cue as Cue,
    CueSheet as CueSheet,
    EmotionState as EmotionState,
    FilmRef as FilmRef,
    ModelRef as ModelRef,
    Scene as Scene,
    SceneSheet as SceneSheet,
    Section as Section,
    Segment as Segment,
    SheetTrack as SheetTrack,
    Shot as Shot,
    Span as Span,
    Tags as Tags,
    Track as Track,
)

__version__: str
