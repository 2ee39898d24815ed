"""The index on disk: tables, rows, locks."""
