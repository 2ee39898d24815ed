"""``soundtrack mcp``: serve index, search, score and review to programs over the Model Context Protocol."""


def mcp() -> None:
    """Serve index, search, score and review over the Model Context Protocol (stdio).

    Runs until standard input ends. Each call is a run of the command line with the same limits; existing files are
    never replaced. Requires the extra `mcp`.
    """
    from soundtrack.cli.mcp_server import serve

    serve()
