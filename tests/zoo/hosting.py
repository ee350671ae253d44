"""A zoo behind http that answers as it is told to."""

import contextlib
import functools
import http.server
import threading

BLOCK = b"x" * (1 << 16)


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args, host, **kwargs):
        self.host = host
        super().__init__(*args, **kwargs)

    def do_GET(self):
        self.host.asked.append(self.path)
        if self.host.meeting and self.path.endswith(".keras"):
            self.host.meeting.wait(timeout=20)
        answer = self.host.answers.get(self.path.rpartition("/")[2])
        if answer is None:
            return super().do_GET()
        with contextlib.suppress(ConnectionError):
            answer(self)

    def log_message(self, *args):
        pass


class Host:
    """What was asked for, and how to answer."""

    def __init__(self):
        self.asked = []  # paths, in order
        self.answers = {}  # file name -> function of the handler, instead of the file
        self.meeting = None  # threading.Barrier that downloads of models wait at
        self.hold = threading.Event()  # set when the host closes
        self.sent = 0  # bytes of `endless`

    def endless(self, handler, limit=64 * 2**20):
        """Sends until the other side hangs up, or the limit."""
        handler.send_response(200)
        handler.end_headers()
        while self.sent < limit:
            handler.wfile.write(BLOCK)
            self.sent += len(BLOCK)


def cut(handler):
    """Promises more than it sends, and hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"x" * 100)


def broken(handler):
    handler.send_error(500)


def silent(handler):
    """Never answers."""
    handler.host.hold.wait(timeout=20)


@contextlib.contextmanager
def host(folder):
    """Serves a folder; gives its address and its `Host`."""
    state = Host()
    handler = functools.partial(Handler, host=state, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", state
    finally:
        state.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
