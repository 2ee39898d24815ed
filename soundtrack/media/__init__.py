"""The only door to ffmpeg, ffprobe and PyAV containers."""
