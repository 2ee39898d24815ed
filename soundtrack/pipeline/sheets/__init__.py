"""Sheets as files: constraints, kept cues, tracks, targets, exports, previews."""
