"""The origin: serves the deployed HTTP API at the root of one loopback port.

On AWS the API has a host name of its own. The emulator tells APIs apart by the Host header, and
`*.localhost` does not resolve everywhere, so this front passes every request on under the host
name of the one API, unchanged but for the headers that belong to a connection.
"""

import http.client
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

# The limit of an HTTP API; above it AWS answers for us.
MAX_BODY_BYTES = 10 * 1024 * 1024
# What is still read, and thrown away, of a body above the limit, so that the client can finish
# sending and read the answer.
MAX_DRAINED_BYTES = 64 * 1024 * 1024
# API Gateway gives up after 30 s; the emulator is given a little longer to say so itself.
UPSTREAM_TIMEOUT_SECONDS = 35
CLIENT_IDLE_SECONDS = 75
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection"
    " te trailer transfer-encoding upgrade".split()
)


class BodyTooLarge(Exception):
    """The request's body is above `MAX_BODY_BYTES`; it has been read as far as is sensible."""


class BadRequest(Exception):
    """The request cannot be read as HTTP."""


class OriginHandler(BaseHTTPRequestHandler):
    """One client connection, with one keep-alive connection behind it."""

    upstream_address: ClassVar[tuple[str, int]]
    upstream_host: ClassVar[str]

    protocol_version = "HTTP/1.1"
    timeout = CLIENT_IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    upstream: http.client.HTTPConnection | None = None

    def do_GET(self) -> None:
        try:
            body = self.read_body()
        except BodyTooLarge:
            self.close_connection = True
            return self.answer(413, "Request Entity Too Large")
        except BadRequest as error:
            self.close_connection = True
            return self.answer(400, str(error))
        try:
            self.forward(body)
        except TimeoutError:
            self.drop_upstream()
            self.answer(504, "Gateway Timeout")
        except (OSError, http.client.HTTPException):
            self.drop_upstream()
            self.answer(503, "Service Unavailable")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def handle_expect_100(self) -> bool:
        going_on = super().handle_expect_100()
        # Answers are buffered, and this one is waited for.
        self.wfile.flush()
        return going_on

    def read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunked()
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit():
            raise BadRequest("Content-Length is not a number")
        if int(length) > MAX_BODY_BYTES:
            self.drain(int(length))
            raise BodyTooLarge
        return self.rfile.read(int(length))

    def read_chunked(self) -> bytes:
        body = bytearray()
        while size := self.chunk_size():
            if len(body) + size > MAX_BODY_BYTES:
                raise BodyTooLarge
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return bytes(body)

    def chunk_size(self) -> int:
        line = self.rfile.readline(1024).split(b";", 1)[0].strip()
        try:
            return int(line, 16)
        except ValueError:
            raise BadRequest("a chunk has no size") from None

    def drain(self, length: int) -> None:
        left = min(length, MAX_DRAINED_BYTES)
        while left > 0 and (piece := self.rfile.read(min(left, 1 << 16))):
            left -= len(piece)

    def forward(self, body: bytes) -> None:
        response = self.send_upstream(body)
        payload = response.read()
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        if self.command == "HEAD":
            if length := response.getheader("Content-Length"):
                self.send_header("Content-Length", length)
        elif response.status not in (204, 304):
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def send_upstream(self, body: bytes) -> http.client.HTTPResponse:
        """Sends the request on, once more when a kept connection proves to be closed."""
        reused = self.upstream is not None
        try:
            return self.exchange(body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.drop_upstream()
            if not reused:
                raise
            return self.exchange(body)

    def exchange(self, body: bytes) -> http.client.HTTPResponse:
        if self.upstream is None:
            self.upstream = http.client.HTTPConnection(
                *self.upstream_address, timeout=UPSTREAM_TIMEOUT_SECONDS
            )
        self.upstream.putrequest(
            self.command, self.origin_form(), skip_host=True, skip_accept_encoding=True
        )
        self.upstream.putheader("Host", self.upstream_host)
        dropped = HOP_BY_HOP | {"host", "content-length", "expect"}
        for name, value in self.headers.items():
            if name.lower() not in dropped:
                self.upstream.putheader(name, value)
        self.upstream.putheader("X-Forwarded-For", self.client_address[0])
        self.upstream.putheader("X-Forwarded-Proto", "http")
        if body or self.command in ("POST", "PUT", "PATCH"):
            self.upstream.putheader("Content-Length", str(len(body)))
        self.upstream.endheaders(body or None)
        return self.upstream.getresponse()

    def origin_form(self) -> str:
        """The request target without a scheme and host, which a client may send."""
        if self.path.startswith("/"):
            return self.path
        _, _, rest = self.path.partition("://")
        _, slash, path = rest.partition("/")
        return slash + path if slash else "/"

    def answer(self, status: int, message: str) -> None:
        """An answer of API Gateway's own, in its shape."""
        body = json.dumps({"message": message}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses (bad request lines, methods it does not know)."""
        self.close_connection = True
        self.answer(code, message or "Bad Request")

    def drop_upstream(self) -> None:
        if self.upstream is not None:
            self.upstream.close()
            self.upstream = None

    def finish(self) -> None:
        self.drop_upstream()
        try:
            super().finish()
        except OSError:
            pass  # the client is gone

    def log_message(self, format: str, *args: object) -> None:
        """Silent: each request has its line in the function's own log."""


class Origin(ThreadingHTTPServer):
    """The front's server; `serve_forever` in a thread, `shutdown` to stop."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, upstream: tuple[str, int], upstream_host: str) -> None:
        handler = type(
            "Handler",
            (OriginHandler,),
            {"upstream_address": upstream, "upstream_host": upstream_host},
        )
        super().__init__(("127.0.0.1", port), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle of an answer is no error of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
