from .batch import BatchOrder as BatchOrder, FilmOrder as FilmOrder, score_batch as score_batch
from .film.analyse import analyse_video as analyse_video
from .ground.film_list import (
    films_of as films_of,
    listed_films as listed_films,
    settings_beside as settings_beside,
    settings_path as settings_path,
)
from .library.building import build_index as build_index
from .library.music import (
    current_model as current_model,
    index_dir as index_dir,
    music_channels as music_channels,
    music_projection as music_projection,
    open_library as open_library,
    read_music as read_music,
)
from .pictured import music_for_picture as music_for_picture
from .rendering import Scored as Scored, render_video as render_video
from .score import plan_video as plan_video, score_video as score_video, spot_video as spot_video
from .sheets.keeping import Keep as Keep, keep_locked as keep_locked
from .sheets.swap import swap_music as swap_music, swapped_lines as swapped_lines
from .sheets.wishes import Wishes as Wishes
from .track_opinions import segments_of_cues as segments_of_cues, with_opinions as with_opinions
