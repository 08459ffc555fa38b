"""Who may look at the app, and what a browser may do with its pages."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Flask, Request, Response, request

from dse.errors import UserError

SHORTEST: Final = 16
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Refuses requests before anything else sees them.

    Without a token only requests that name this machine are answered: a page elsewhere whose name
    was made to point here (DNS rebinding) sends another name. With one, whoever does not know it
    sees nothing; it is given once as `?token=`, and then kept in a cookie that no script reads and
    that no other site's request carries.

    Attributes:
        token: None for none.
        port: which the cookie's name has, as cookies are not kept apart by port.
    """

    token: str | None
    port: int

    @property
    def cookie(self) -> str:
        """Its name."""
        return f"dse_{self.port}"

    def protect(self, server: Flask, scripts: Sequence[str]) -> None:
        """Let every request pass here first and every answer last.

        Args:
            server: what answers.
            scripts: hashes of the inline scripts that may run (CSP's `'sha256-...'`).
        """
        policy = content_policy(scripts)
        server.before_request(self.refuse)

        @server.after_request
        def add(response: Response) -> Response:
            for name, value in HEADERS.items():
                response.headers[name] = value
            response.headers["Content-Security-Policy"] = policy
            response.headers.setdefault("Cache-Control", "no-store")
            if self.token is not None and self._is_right(request.args.get("token")):
                response.set_cookie(
                    self.cookie, self.token, httponly=True, samesite="Strict", path="/"
                )
            return response

    def refuse(self) -> tuple[str, int, dict[str, str]] | None:
        """The answer to a request that is not let in; None for the others."""
        plain = {"Content-Type": "text/plain; charset=utf-8"}
        if request.method not in ("GET", "HEAD", "POST"):
            return "This method is not allowed.\n", 405, plain
        if self.token is None:
            if _name(request.host) not in LOCAL_NAMES:
                return "This app answers to requests from its own machine only.\n", 403, plain
        elif not (
            self._is_right(request.args.get("token"))
            or self._is_right(request.cookies.get(self.cookie))
        ):
            return "Open the whole address that `dse serve` printed.\n", 401, plain
        if request.method == "POST" and not _is_own(request):
            return "This request comes from another site.\n", 403, plain
        return None

    def _is_right(self, given: str | None) -> bool:
        if given is None or self.token is None:
            return False
        return hmac.compare_digest(given.encode(), self.token.encode())


def make_guard(host: str, port: int, token: str | None) -> Guard:
    """The guard of an address: one that others can reach always has a token.

    Raises:
        UserError: the token is one that can be guessed, or no address can hold.
    """
    if token is not None and (len(token) < SHORTEST or not token.isascii() or not _is_plain(token)):
        raise UserError(
            f"--token: give at least {SHORTEST} letters, digits, - or _; without it one is made."
        )
    if token is None and not is_local(host):
        token = secrets.token_urlsafe(32)
    return Guard(token=token, port=port)


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def content_policy(scripts: Sequence[str]) -> str:
    """What pages may load: everything from the app itself, and nothing from elsewhere.

    Plotly and the grid set styles, and figures are saved by way of `data:` and `blob:`.
    """
    return (
        f"default-src 'none'; script-src 'self' {' '.join(scripts)}; connect-src 'self'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _is_plain(token: str) -> bool:
    return all(c.isalnum() or c in "-_" for c in token)


def _name(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _is_own(asked: Request) -> bool:
    """Whether a browser sends it from a page of this app; other programs do not say."""
    origin = asked.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == asked.host
