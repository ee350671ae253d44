import functools
import http.server
import threading

import pytest
from cases import encoder

import tfssl

CARD = {
    "method": "simclr",
    "dataset": "digits",
    "epochs": 3,
    "metrics": [
        {"protocol": "knn", "metric": "accuracy", "value": 0.5, "settings": {"k": 20}}
    ],
}


@pytest.fixture
def zoo(tmp_path):
    """A zoo with one encoder."""
    tfssl.zoo.publish(
        encoder(),
        "small",
        zoo=tmp_path / "zoo",
        card=CARD,
        projector=tfssl.heads.projection_head(128, (8, 4)),
    )
    return tmp_path / "zoo"


@pytest.fixture
def server(zoo, tmp_path, monkeypatch):
    """The zoo behind http, an empty cache, and the paths that were asked for."""
    pytest.importorskip("tqdm")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(zoo))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TFSSL_ZOO", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    yield asked
    server.shutdown()
