"""Sheets as files: wishes, kept cues, tracks, targets, exports, previews."""
