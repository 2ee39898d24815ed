"""What a person asks music for in words: parsed, looked up in word lists, and compared with what is known of tracks."""
