"""Access to ffmpeg, ffprobe and PyAV containers."""
