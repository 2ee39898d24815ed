"""Requests that a review answers: from this machine, from its own page, with the token of its address.

The server binds to the loopback address only. A page of another site that is open in the same browser can still send
requests there, so that Host (against DNS rebinding) and Origin (against forged requests) are checked as well.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY_BYTES = 65_536
"""Largest body of a request."""


def policy(nonce: str) -> str:
    """Content security policy: own files only, no inline script; styles of the waveform by a nonce."""
    return (
        "default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self'; img-src 'self' data:;"
        f" style-src 'self' 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Guard:
    """ASGI middleware that refuses requests of others and sets headers that browsers heed.

    Parameters
    ----------
    app : ASGI application
    hosts : frozenset of str
        Accepted values of Host, with the port.
    nonce : str
        Of the policy.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], nonce: str) -> None:
        self._app, self._hosts, self._policy = app, hosts, policy(nonce)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        refused = self._refused(str(scope["method"]), Headers(scope=scope))
        if refused is not None:
            await refused(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refused(self, method: str, headers: Headers) -> PlainTextResponse | None:
        """The answer to a request that is refused."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return PlainTextResponse("unknown host\n", status_code=400)
        if (origin is not None and origin != f"http://{host}") or headers.get("sec-fetch-site") == "cross-site":
            return PlainTextResponse("request of another site\n", status_code=403)
        if method == "POST":
            if origin is None or headers.get("content-type", "").partition(";")[0] != "application/json":
                return PlainTextResponse("request of another program\n", status_code=403)
            length = headers.get("content-length", "")
            if not length.isdigit() or int(length) > MOST_BODY_BYTES:
                return PlainTextResponse("body too large\n", status_code=413)
        return None
