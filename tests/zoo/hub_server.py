"""A model hub in this process: what huggingface_hub asks one for, and no more.

Repositories are kept in memory, as commits of whole trees. Large files (.keras) lie in
a storage of their own, on what looks like another host, as they do elsewhere.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading
import urllib.parse

TOKEN = "hf_of_somebody"


class Refused(Exception):
    """An answer other than 200.

    Args:
        status: int.
        code: string, the hub's own name of the error, for its header. Optional.
        content: bytes. Optional.
    """

    def __init__(self, status, code=None, content=b""):
        self.status, self.code, self.content = status, code, content


class Repository:
    """Commits of a repository, and where its branches are."""

    def __init__(self, private=False):
        self.private = private
        self.trees = {}  # commit -> path -> bytes
        self.branches = {}
        self.commit("main", {".gitattributes": b""})

    def commit(self, branch, tree):
        """Adds a commit of this tree to a branch; its name."""
        sha = hashlib.sha1(f"{len(self.trees)} {sorted(tree)}".encode()).hexdigest()
        self.trees[sha] = dict(tree)
        self.branches[branch] = sha
        return sha

    def change(self, changes, branch="main"):
        """Adds a commit that puts these bytes to paths, or removes where None is."""
        tree = {**self.tree(branch), **changes}
        return self.commit(branch, {k: v for k, v in tree.items() if v is not None})

    def at(self, revision):
        """The commit of a branch, or of its own name."""
        sha = self.branches.get(revision, revision)
        if sha not in self.trees:
            raise Refused(404, "RevisionNotFound")
        return sha

    def tree(self, revision="main"):
        return self.trees[self.at(revision)]


class Hub:
    """The state of a hub.

    Attributes:
        repositories: dict from `owner/name` to `Repository`.
        stored: dict from sha256 to the bytes of large files.
        asked: list of `"METHOD path"`, in order.
        refused: list of the status of what was refused, in order.
        strangers: list of paths that came to the storage with a token.
        meanwhile: list of functions; one is called before each commit is looked at.
        out_of_order: int, a status that every commit is answered with, or None.
        contents: dict from a file's name to bytes, or to a function of the handler,
            sent in the place of what was published; its size is stated as published.
    """

    def __init__(self):
        self.repositories, self.stored = {}, {}
        self.asked, self.refused, self.strangers = [], [], []
        self.meanwhile, self.out_of_order, self.contents = [], None, {}
        self.sent = 0
        self.endpoint = self.storage = None
        self.lock = threading.Lock()

    def asked_for(self, text):
        """How many of the requests have this in them."""
        return sum(text in line for line in self.asked)


def _info(hub, handler, repo, revision="main"):
    repository = handler.repository(repo)
    sha = repository.at(urllib.parse.unquote(revision))
    siblings = [{"rfilename": path} for path in sorted(repository.tree(sha))]
    return {"id": repo, "sha": sha, "siblings": siblings}


def _create(hub, handler):
    asked = json.loads(handler.body())
    repo = f"{asked['organization']}/{asked['name']}"
    if not handler.token():
        raise Refused(401)
    made = {"url": f"{hub.endpoint}/{repo}"}
    if repo in hub.repositories:
        raise Refused(409, content=json.dumps(made).encode())
    hub.repositories[repo] = Repository()
    return made


def _preupload(hub, handler, repo, revision):
    def answer(path):
        mode = "lfs" if path.endswith(".keras") else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False}

    handler.repository(repo, write=True)
    files = json.loads(handler.body())["files"]
    return {"files": [answer(file["path"]) for file in files]}


def _batch(hub, handler, repo):
    handler.repository(repo, write=True)
    objects = json.loads(handler.body())["objects"]
    for each in objects:
        if each["oid"] not in hub.stored:
            href = f"{hub.storage}/large/{each['oid']}"
            each["actions"] = {"upload": {"href": href}}
    return {"transfer": "basic", "objects": objects}


def _store(hub, handler, sha256):
    body = handler.body()
    assert hashlib.sha256(body).hexdigest() == sha256
    hub.stored[sha256] = body
    return {}


def _commit(hub, handler, repo, branch):
    header, *operations = map(json.loads, handler.body().splitlines())
    repository = handler.repository(repo, write=True)
    if hub.out_of_order:
        raise Refused(hub.out_of_order)
    branch = urllib.parse.unquote(branch)
    if header["value"]["parentCommit"] != repository.at(branch):
        raise Refused(412)
    changes = {}
    for operation in operations:
        kind, value = operation["key"], operation["value"]
        if kind == "file":
            changes[value["path"]] = base64.b64decode(value["content"])
        elif kind == "lfsFile":
            changes[value["path"]] = hub.stored[value["oid"]]
        else:
            assert kind == "deletedFile" and value["path"] in repository.tree(branch)
            changes[value["path"]] = None
    sha = repository.change(changes, branch)
    return {"commitUrl": f"{hub.endpoint}/{repo}/commit/{sha}", "commitOid": sha}


def _resolve(hub, handler, repo, revision, path):
    repository = handler.repository(repo)
    sha = repository.at(urllib.parse.unquote(revision))
    path = urllib.parse.unquote(path)
    if path not in repository.tree(sha):
        raise Refused(404, "EntryNotFound")
    content = repository.tree(sha)[path]
    sha256 = hashlib.sha256(content).hexdigest()
    headers = {"X-Repo-Commit": sha, "ETag": f'"{sha256}"'}
    if path.endswith(".keras"):
        hub.stored[sha256] = content
        headers["Location"] = f"{hub.storage}/large/{sha256}?name={path}"
        headers["X-Linked-Size"] = str(len(content))
        headers["X-Linked-Etag"] = f'"{sha256}"'
        return handler.send(302, b"", headers)
    return handler.send_file(path, content, headers)


def _fetch(hub, handler, sha256, path):
    if "Authorization" in handler.headers:
        hub.strangers.append(handler.path)
    return handler.send_file(path, hub.stored[sha256])


_REPO = r"([^/]+/[^/]+)"
_PLACES = [
    ("GET", rf"/api/models/{_REPO}", _info),
    ("GET", rf"/api/models/{_REPO}/revision/([^/]+)", _info),
    ("POST", r"/api/repos/create", _create),
    ("POST", rf"/api/models/{_REPO}/preupload/([^/]+)", _preupload),
    ("POST", rf"/api/models/{_REPO}/commit/([^/]+)", _commit),
    ("POST", rf"/{_REPO}\.git/info/lfs/objects/batch", _batch),
    ("PUT", r"/large/(\w+)", _store),
    ("GET", r"/large/(\w+)\?name=(.+)", _fetch),
    ("GET", rf"/{_REPO}/resolve/([^/]+)/(.+)", _resolve),
    ("HEAD", rf"/{_REPO}/resolve/([^/]+)/(.+)", _resolve),
]


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, *args, hub, **kwargs):
        self.hub = hub
        super().__init__(*args, **kwargs)

    def handle_any(self):
        self.hub.asked.append(f"{self.command} {self.path}")
        # What is not expected fails here, and nobody is answered.
        answer, parts = next(
            (answer, found.groups())
            for command, place, answer in _PLACES
            if command == self.command and (found := re.fullmatch(place, self.path))
        )
        if answer is _commit and self.hub.meanwhile:
            self.hub.meanwhile.pop(0)()
        try:
            # One at a time; files are sent outside of it, by `send_file`.
            with self.hub.lock:
                given = answer(self.hub, self, *parts)
            if isinstance(given, dict):
                self.send(200, json.dumps(given).encode())
            elif given is not None:
                with contextlib.suppress(ConnectionError):
                    given()
        except Refused as refused:
            self.hub.refused.append(refused.status)
            code = {"X-Error-Code": refused.code} if refused.code else {}
            self.send(refused.status, refused.content, code)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def repository(self, repo, write=False):
        """A repository, if whoever asks may see it, and write to it."""
        found = self.hub.repositories.get(repo)
        if found is None or (found.private and not self.token()):
            # Who has no token is not told which of the two it is.
            raise Refused(401, "RepoNotFound")
        if write and not self.token():
            raise Refused(403)
        return found

    def token(self):
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def send(self, status, content, headers=None):
        self.send_response(status)
        for key, value in {"Content-Length": len(content), **(headers or {})}.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_file(self, path, content, headers=None):
        """What sends a file, or what the hub has in its place."""
        other = self.hub.contents.get(path.rpartition("/")[2])
        if other is None or self.command == "HEAD":
            return lambda: self.send(200, content, headers)
        if callable(other):
            return lambda: other(self)
        return lambda: self.send(200, other, headers)

    def log_message(self, *args):
        pass


def endless(handler, limit=64 * 2**20):
    """Sends until the other side hangs up, or the limit."""
    handler.send_response(200)
    handler.end_headers()
    while handler.hub.sent < limit:
        handler.wfile.write(b"x" * (1 << 16))
        handler.hub.sent += 1 << 16


@contextlib.contextmanager
def running_hub():
    """A `Hub` that answers at its `endpoint`."""
    hub = Hub()

    def handler(*args, **kwargs):
        return _Handler(*args, hub=hub, **kwargs)

    servers = [
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    # Two names, as of two hosts.
    hub.endpoint = f"http://127.0.0.1:{servers[0].server_port}"
    hub.storage = f"http://localhost:{servers[1].server_port}"
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
