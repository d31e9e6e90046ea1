# SPDX-License-Identifier: MIT
"""A daemon that only talks: HTTP on a Unix socket, answering what a test puts into it.

    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/status", {"version": "0.1.0"})
        daemon.memtend("status")
        daemon.requests[-1]      # method, path, query, body

An answer is a dict or list (sent as JSON), bytes (sent as they are), a (status, answer) or
(status, answer, headers) tuple, or a function of the request that returns one of these.
"""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import socketserver
import tempfile
import threading
import types
import urllib.parse

from case import memtend


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    answers = None  # the FakeDaemon

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.connections = set()

    def finish_request(self, request, client_address):
        self.connections.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self.connections.discard(request)

    def close_all(self):
        """What the end of a real daemon does to its clients."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that goes away is part of some tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def handle_any(self):
        daemon = self.server.answers
        url = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        request = types.SimpleNamespace(
            method=self.command, path=url.path, raw_path=self.path,
            query=dict(urllib.parse.parse_qsl(url.query)), headers=dict(self.headers),
            body=json.loads(raw) if raw else None, handler=self)
        daemon.requests.append(request)
        self.send(daemon.find(request))

    def send(self, answer):
        status, headers = 200, {}
        if isinstance(answer, tuple):
            status, headers = answer[0], answer[2] if len(answer) > 2 else {}
            answer = answer[1]
        if answer is None:
            data = b""
        else:
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        kind = "application/json" if status < 400 else "application/problem+json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)),
                            **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


def problem(status, slug, detail, **more):
    return status, {"type": f"urn:memtend:problem:{slug}", "title": "No", "status": status,
                    "detail": detail, **more}


class FakeDaemon:
    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="memtend-cli-"))
        self.runtime = self.home / "run"
        self.runtime.mkdir(mode=0o755)
        self.requests = []
        self.table = {}
        self.server = None

    def answer(self, method, path, answer):
        self.table[method, path] = answer

    def find(self, request):
        answer = self.table.get((request.method, request.path))
        if answer is None:
            return problem(404, "not_found", f"nothing is served at {request.path}")
        return answer(request) if callable(answer) else answer

    def memtend(self, *arguments, **options):
        env = {"MEMTEND_RUNTIME_DIR": str(self.runtime), **options.pop("env", {})}
        return memtend(*arguments, env=env, **options)

    def start(self):
        self.server = Server(str(self.runtime / "http.sock"), Handler)
        self.server.answers = self
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.005},
                         daemon=True).start()

    def stop(self):
        self.server.close_all()
        self.server = None
        os.unlink(self.runtime / "http.sock")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.close_all()
        shutil.rmtree(self.home, ignore_errors=True)
