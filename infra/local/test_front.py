"""The front against an upstream that answers with what it was sent."""

import http.client
import json
import socket
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from front import MAX_BODY_BYTES, Origin


class Echo(BaseHTTPRequestHandler):
    """Answers with the request as JSON, and with a cookie twice."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "bytes": len(body),
            "body": body[:100].decode("latin-1"),
        }
        answer = json.dumps(seen).encode()
        self.send_response(418)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)
        # Every connection is used once, so that the front has to notice.
        self.close_connection = True

    do_GET = do_HEAD = do_OPTIONS = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class FrontTest(unittest.TestCase):
    def setUp(self) -> None:
        self.echo = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        self.front = Origin(0, ("127.0.0.1", self.echo.server_port), "abc.execute-api.127.0.0.1")
        for server in (self.echo, self.front):
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.front.server_port)
        self.addCleanup(self.connection.close)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        chunked = "Transfer-Encoding" in named
        self.connection.request(method, path, body, named, encode_chunked=chunked)
        response = self.connection.getresponse()
        self.status, self.headers = response.status, response.headers
        return json.loads(response.read() or b"{}")

    def test_passes_requests_on_under_the_host_name_of_the_api(self) -> None:
        seen = self.send("POST", "/api/x?a=%20&a=2", b"hello", Content_Type="text/plain")
        self.assertEqual(seen["path"], "/api/x?a=%20&a=2")
        self.assertEqual(seen["body"], "hello")
        self.assertIn(["host", "abc.execute-api.127.0.0.1"], seen["headers"])
        self.assertIn(["content-type", "text/plain"], seen["headers"])

    def test_passes_answers_back_with_repeated_headers(self) -> None:
        self.send("GET", "/")
        self.assertEqual(self.status, 418)
        self.assertEqual(self.headers.get_all("Set-Cookie"), ["a=1", "b=2"])

    def test_keeps_the_clients_connection_when_the_upstream_closes_its_own(self) -> None:
        self.send("GET", "/1")
        first = self.connection.sock
        self.assertEqual(self.send("GET", "/2")["path"], "/2")
        self.assertIs(self.connection.sock, first)

    def test_head_has_the_length_and_no_body(self) -> None:
        self.assertEqual(self.send("HEAD", "/"), {})
        self.assertGreater(int(self.headers["Content-Length"]), 0)

    def test_chunked_bodies_arrive_whole(self) -> None:
        seen = self.send("POST", "/", iter([b"ab", b"cd"]), Transfer_Encoding="chunked")
        self.assertEqual(seen["body"], "abcd")

    def test_bodies_over_the_limit_are_413(self) -> None:
        self.send("POST", "/", b"x" * MAX_BODY_BYTES)
        self.assertEqual(self.status, 418)
        answer = self.send("POST", "/", b"x" * (MAX_BODY_BYTES + 1))
        self.assertEqual((self.status, answer), (413, {"message": "Request Entity Too Large"}))

    def test_a_client_that_expects_100_gets_it(self) -> None:
        with socket.create_connection(("127.0.0.1", self.front.server_port), 5) as client:
            client.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 100 "))
            client.sendall(b"ok")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 418 "))

    def test_what_is_no_http_is_400_as_json(self) -> None:
        with socket.create_connection(("127.0.0.1", self.front.server_port), 5) as client:
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
            answer = client.recv(1000)
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertTrue(answer.endswith(b'{"message": "Content-Length is not a number"}'), answer)

    def test_a_missing_upstream_is_503(self) -> None:
        self.echo.shutdown()
        self.echo.server_close()
        self.assertEqual(self.send("GET", "/"), {"message": "Service Unavailable"})
        self.assertEqual(self.status, 503)


if __name__ == "__main__":
    unittest.main()
