"""Requests for music in words: parsed, looked up, and compared with facts about tracks."""
