"""A zoo in a repository of a model hub, `hf://owner/repo`, by huggingface_hub.

The package says where a file is, and commits. `tfssl.zoo.fetch` downloads, as it does
from other addresses: into the same cache, and no more bytes than were expected.
"""

import contextlib
import os
import re
import urllib.parse
import urllib.request

from tfssl.zoo.errors import NotFoundError, ZooError

_SCHEME = "hf://"
# As the hub has it: no dash or dot at the ends, nor two of one kind in a row.
_PART = r"\w+(?:(?:-(?!-)|\.(?!\.))+\w+)*"
_ADDRESS = re.compile(rf"hf://({_PART}/{_PART})(?:@([\w./-]+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FILE = re.compile(r"hf://([^@]+)@([0-9a-f]{40})/(.+)")
# To commit, where others do at the same time. One of them gets through each time.
_TRIES = 10
_CONFLICTS = (409, 412)


def is_address(zoo):
    """Whether something is an address of this kind; it may be malformed."""
    return isinstance(zoo, str) and zoo.startswith(_SCHEME)


def at_commit(address):
    """The address of a zoo with the commit that it is at now.

    What is read of it belongs together, whatever others publish meanwhile.

    Args:
        address: string, `hf://owner/repo` or `hf://owner/repo@revision`.

    Returns:
        String, `hf://owner/repo@COMMIT`. One that has its commit is not asked for.

    Raises:
        NotFoundError: for a malformed address, or if there is no such repository or
            revision, or the hub is not reached, or huggingface_hub not installed.
    """
    repo, revision = _parts(address)
    if revision and _COMMIT.fullmatch(revision):
        return f"{_SCHEME}{repo}@{revision}"
    with _asking(address) as api:
        return _with_commit(repo, api.repo_info(repo, revision=revision))


def locate(address):
    """Where a file of a repository is, before anything of it is downloaded.

    Args:
        address: string, `hf://owner/repo@COMMIT/path`.

    Returns:
        A `urllib.request.Request`, and the size that the hub states, in bytes; None if
        it states none.

    Raises:
        NotFoundError: as `at_commit`, or if there is no such file.
    """
    repo, commit, path = _FILE.fullmatch(address).groups()
    with _asking(address) as api:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        asked = hf_hub_url(repo, path, revision=commit, endpoint=api.endpoint)
        found = api.get_hf_file_metadata(url=asked)
        headers = build_hf_headers()
    to = urllib.parse.urlsplit(found.location)
    if to.scheme not in ("http", "https"):
        raise NotFoundError(
            f"{address} should be at an http:// or https:// address. Received: "
            f"{found.location}"
        )
    request = urllib.request.Request(found.location)
    for key, value in headers.items():
        # Large files are with others, whom the token does not concern.
        if key.lower() != "authorization" or to[:2] == urllib.parse.urlsplit(asked)[:2]:
            request.add_unredirected_header(key, value)
    return request, found.size


def newest(address):
    """A repository to publish to, as it is now.

    Args:
        address: string, `hf://owner/repo` or `hf://owner/repo@branch`.

    Returns:
        Its address at the newest commit, and the set of the paths of its files; of a
        repository that does not exist, the address and an empty set.

    Raises:
        ZooError: as `at_commit`, or for a commit in the place of a branch, or if there
            is no token.
    """
    repo, branch = _parts(address)
    if branch and _COMMIT.fullmatch(branch):
        raise ZooError(
            "Encoders are published to a branch of a repository, not to a commit. "
            f"Received: {address!r}"
        )
    with _asking(address) as api:
        from huggingface_hub import get_token
        from huggingface_hub.errors import RepositoryNotFoundError

        if get_token() is None:
            raise ZooError(
                "Publishing to a repository takes a token that may write to it: hf "
                f"auth login, or set HF_TOKEN. Received: {address!r}, and no token"
            )
        try:
            return _newest(api, repo, branch)
        except RepositoryNotFoundError:
            return address, set()


def commit(address, message, changes):
    """Changes a repository in one commit. It is made if it does not exist.

    Args:
        address: as in `newest`.
        message: string, what the commit is called.
        changes: function of what `newest` gives, that returns a dict from paths in the
            repository to the `pathlib.Path` of what goes there, or None for what is
            removed. Called again if somebody else has committed in between.

    Raises:
        ZooError: as `newest`, or if the hub refuses the commit, or others were faster
            each time. The repository has all of the changes or none of them.
    """
    repo, branch = _parts(address)
    with _asking(address) as api:
        api.create_repo(repo, exist_ok=True)
    for _ in range(_TRIES):
        with _asking(address) as api:
            source, paths = _newest(api, repo, branch)
        changed = changes(source, paths)
        with _asking(address) as api:
            from huggingface_hub import CommitOperationAdd, CommitOperationDelete
            from huggingface_hub.errors import HfHubHTTPError

            operations = [
                CommitOperationDelete(path)
                if file is None
                else CommitOperationAdd(path, file)
                for path, file in sorted(changed.items())
            ]
            try:
                api.create_commit(
                    repo,
                    operations,
                    commit_message=message,
                    revision=branch,
                    parent_commit=_parts(source)[1],
                )
                return
            except HfHubHTTPError as error:
                if error.response.status_code not in _CONFLICTS:
                    raise
    raise ZooError(
        f"Others committed to {address} each of the {_TRIES} times that this was about "
        "to. Nothing was published; try again."
    )


def _parts(address):
    """The repository of an address, and its revision or None."""
    found = _ADDRESS.fullmatch(address.rstrip("/"))
    if not found:
        raise NotFoundError(
            "The address of a zoo in a repository is hf://owner/repo, or "
            f"hf://owner/repo@revision. Received: {address!r}"
        )
    return found.groups()


def _newest(api, repo, branch):
    info = api.repo_info(repo, revision=branch)
    paths = {sibling.rfilename for sibling in info.siblings or ()}
    return _with_commit(repo, info), paths


def _with_commit(repo, info):
    if not _COMMIT.fullmatch(str(info.sha)):
        raise NotFoundError(
            f"The hub should say which commit {_SCHEME}{repo} is at. Look at "
            f"HF_ENDPOINT and the network. Received: {info.sha!r}"
        )
    return f"{_SCHEME}{repo}@{info.sha}"


@contextlib.contextmanager
def _asking(address):
    """Gives an `HfApi`; what goes wrong with it becomes a `ZooError`."""
    try:
        from huggingface_hub import HfApi, errors
    except ImportError as error:
        raise NotFoundError(
            "A zoo in a repository takes the package huggingface_hub, which is not "
            f"installed: pip install huggingface_hub. Received: {address!r}"
        ) from error
    # The package reads the variable once, when it is imported.
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    try:
        yield HfApi(endpoint=endpoint or None)
    except ZooError:
        raise
    except errors.RepositoryNotFoundError as error:
        raise NotFoundError(
            "There is no such repository, or none that you may read. If it is private, "
            "give a token that may read it: hf auth login, or set HF_TOKEN. Received: "
            f"{address!r}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise NotFoundError(
            "The repository has no such branch, tag or commit. Leave out @revision for "
            f"the newest. Received: {address!r}"
        ) from error
    except errors.EntryNotFoundError as error:
        raise NotFoundError(
            f"{address} is missing. The repository of a zoo has an index.json and the "
            "files that it names; tfssl publish --zoo=hf://owner/repo puts them there."
        ) from error
    except Exception as error:  # of the package, and of what it connects with: many
        what = " ".join(str(error).split())
        raise NotFoundError(
            f"{address} is refused or cannot be reached. Look at the network, and at "
            "the token (hf auth login, or HF_TOKEN). Received: "
            f"{type(error).__name__}: {what}"
        ) from error
