"""Stands between rssp and rsspd, and does what networks do: counts, holds, cuts."""

import http.server
import re
import ssl
import threading

import requests


class Middleman:
    """Forwards everything. at(path, number, what): the number-th request to a path ending in `path` is
    cut ("cut": before rsspd sees it; "lose": its answer is lost), held until release(), slow, or
    its signatures are spoilt."""

    def __init__(self, server):
        self.server, self.cacert = server, server.cacert
        self.orders, self.counts, self.bodies = {}, {}, []
        self.held, self.released = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls = server.instance.path("tls")
        context.load_cert_chain(tls / "server.pem", tls / "server.key")
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        listener.daemon_threads = True
        self.listener = listener
        self.url = f"https://127.0.0.1:{listener.server_address[1]}"
        threading.Thread(target=listener.serve_forever, daemon=True).start()

    def at(self, path, number, what):
        self.orders[path, number] = what
        return self

    def release(self):
        self.released.set()

    def close(self):
        self.release()
        self.listener.shutdown()
        self.listener.server_close()

    def hashes(self):
        """How many each signHash asked for."""
        return [len(body["hash"]) for path, body in self.bodies if path.endswith("signHash")]

    def count(self, path):
        return sum(count for name, count in self.counts.items() if name.endswith(path))

    def _order(self, path):
        with self.lock:
            self.counts[path] = self.counts.get(path, 0) + 1
            number = self.counts[path]
        for (end, wanted), what in self.orders.items():
            if path.endswith(end) and wanted == number:
                return what
        return None

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802, the name is http.server's
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                order = outer._order(self.path)
                if order == "hold":
                    outer.held.set()
                    outer.released.wait(30)
                if order == "slow":
                    outer.released.wait(1.3)
                if order == "cut":
                    self.close_connection = True
                    return
                headers = {name: value for name, value in self.headers.items()
                           if name.lower() not in ("host", "content-length", "connection")}
                answer = requests.post(outer.server.url + self.path, data=data, headers=headers,
                                       verify=outer.cacert, timeout=30)
                if self.path.startswith("/csc/"):
                    outer.bodies.append((self.path, requests.models.complexjson.loads(data)))
                if order == "lose":
                    self.close_connection = True
                    return
                content = answer.content
                if order == "spoil":
                    content = re.sub(rb'"(signatures)": ?\["...', rb'"\1":["AAA', content)
                self.send_response(answer.status_code)
                for name in ("Content-Type", "X-Request-Id", "Retry-After"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass
        return Handler
