"""Command line: parse, call one function of the pipeline, show the result."""
