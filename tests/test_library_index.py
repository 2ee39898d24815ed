"""The index that comes with the repository: it opens, it is whole, and it belongs to the networks that come with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from soundtrack import pipeline, resources
from soundtrack.library.search.library_view import open_library


def test_the_shipped_index_belongs_to_the_shipped_networks() -> None:
    library = open_library(resources.example_index_dir(), model=pipeline.current_model())
    assert len(library.track_ids) == 10
    assert library.embeddings.shape == (148, pipeline.current_model().dim)
    titles = {track.tags.title for track in library.tracks().values()}
    assert {"Kite Race", "Slow Harbour", "Tightrope"} <= titles


def test_it_finds_its_own_segments_and_points_at_the_demo_beside_it(tmp_path: Path) -> None:
    shutil.copytree(resources.example_index_dir(), tmp_path / "library_index")
    library = open_library(tmp_path / "library_index", model=pipeline.current_model())
    hit = library.search(library.embeddings[5:6], 1)[0][0]
    ids, indices = library.rows
    assert (hit.track_id, hit.segment_index) == (ids[5], indices[5])
    folders = {track.path.parent for track in library.tracks().values()}
    assert {folder.resolve() for folder in folders} == {(tmp_path / "demo" / "library").resolve()}
