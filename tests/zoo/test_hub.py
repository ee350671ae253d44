"""A zoo in a repository of a model hub; the hub is `hub_server`."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading

import keras
import numpy as np
import pytest
from cases import encoder, images, pixels
from conftest import CARD
from hub_server import TOKEN, Repository, endless, running_hub
from programs import run

import tfssl
from tfssl.zoo import FormatError, IntegrityError, NotFoundError, ZooError
from tfssl.zoo import hub as zoo_hub
from tfssl.zoo.fetch import cache_folder
from tfssl.zoo.index import resolve_source
from tfssl.zoo.inventory import check_files

pytestmark = pytest.mark.usefixtures("eager")
constants = pytest.importorskip("huggingface_hub.constants")

REPO = "some-body/my.zoo_2"
ZOO = f"hf://{REPO}"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with nothing in it, a token that may write, and empty caches."""
    pytest.importorskip("tqdm")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    # What the package read of the environment when it was imported.
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    # That protocol has servers of its own; without it, large files go as git has them.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running
    assert os.listdir(tmp_path / "temporary") == []


@pytest.fixture
def repository(hub):
    """A repository with one encoder, `small`."""
    publish("small")
    hub.asked.clear()
    return hub.repositories[REPO]


def publish(name, model=None, zoo=ZOO, **kwargs):
    return tfssl.zoo.publish(model or pixels(), name, zoo, CARD, **kwargs)


def downloads():
    """The files that were downloaded, as they are on the disk."""
    return sorted(path.name for path in cache_folder().rglob("*") if path.is_file())


def test_what_is_published_comes_back(hub):
    model, head = encoder(), tfssl.heads.projection_head(128, (8, 4))
    assert publish("mine", model, projector=head) == f"{ZOO}/mine"
    loaded = tfssl.zoo.load("mine", source=ZOO)
    for weight, before in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight, before)
    features = loaded.predict(images(8), verbose=0)
    expected = model.predict(images(8), verbose=0)
    # Keras's batch normalisation is another kernel.
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)
    projected = tfssl.zoo.load_projector("mine", source=ZOO)(features)
    np.testing.assert_allclose(projected, head(features), rtol=1e-5, atol=1e-5)


def test_it_is_one_commit_of_what_a_folder_has(hub, tmp_path):
    model = pixels()
    publish("small", model)
    folder = tmp_path / "zoo"
    publish("small", model, folder)
    repository = hub.repositories[REPO]
    # The first is the hub's own.
    assert len(repository.trees) == 2
    tree = repository.tree()
    files = (path for path in folder.rglob("*") if path.is_file())
    paths = {path.relative_to(folder).as_posix() for path in files}
    assert set(tree) - {".gitattributes"} == paths
    assert b"small" in tree["index.html"]
    assert f'load("small", source="{ZOO}")' in tree["small/README.md"].decode()
    entry = json.loads(tree["index.json"])["encoders"]["small"]
    for file, facts in entry["files"].items():
        content = tree[f"small/{file}"]
        assert facts["size"] == len(content)
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()


def test_names_info_and_the_environment(hub, repository, monkeypatch):
    publish("other")
    assert list(tfssl.zoo.names(ZOO)) == ["other", "small"]
    assert tfssl.zoo.names(ZOO)["small"]["knn"] == 0.5
    assert tfssl.zoo.info("small", source=f"{ZOO}/")["feature_dim"] == 3
    page = repository.tree()["index.html"].decode()
    assert page.index('id="encoder-other"') < page.index('id="encoder-small"')
    assert check_files(resolve_source(ZOO)) == []
    monkeypatch.setenv("TFSSL_ZOO", ZOO)
    assert tfssl.zoo.load("small").output_shape == (None, 3)
    pin = hashlib.sha256(repository.tree()["index.json"]).hexdigest()
    monkeypatch.setenv("TFSSL_ZOO_PIN", pin)
    assert list(tfssl.zoo.names()) == ["other", "small"]
    publish("third")
    with pytest.raises(IntegrityError, match="not the one that is pinned"):
        tfssl.zoo.names()


def test_a_second_load_asks_for_the_index_and_nothing_else(hub, repository):
    tfssl.zoo.load("small", source=ZOO)
    # Where it is, which is elsewhere; and what is there.
    assert hub.asked_for("encoder.keras") == 2
    hub.asked.clear()
    tfssl.zoo.load("small", source=ZOO)
    # Which commit is the newest, and the index of it.
    assert len(hub.asked) == 3
    assert (hub.asked_for("/api/models/"), hub.asked_for("index.json")) == (1, 2)
    assert downloads() == ["encoder.keras"]


def test_all_of_a_load_is_of_one_commit(hub, repository):
    source = resolve_source(ZOO)
    commit = source.rpartition("@")[2]
    assert commit == repository.at("main")
    publish("small", encoder(), overwrite=True)
    publish("other")
    hub.asked.clear()
    assert list(tfssl.zoo.names(source)) == ["small"]
    assert tfssl.zoo.load("small", source=source).output_shape == (None, 3)
    assert hub.asked_for("/api/models/") == 0
    assert tfssl.zoo.load("small", source=ZOO).output_shape == (None, 128)


def test_a_branch_is_read_and_published_to(hub, repository):
    repository.branches["new/draft"] = repository.at("main")
    assert publish("draft", zoo=f"{ZOO}@new/draft") == f"{ZOO}@new/draft/draft"
    assert list(tfssl.zoo.names(f"{ZOO}@new/draft")) == ["draft", "small"]
    assert list(tfssl.zoo.names(ZOO)) == ["small"]
    commit = repository.at("main")
    with pytest.raises(ZooError, match=f"to a branch .* Received: '{ZOO}@{commit}'"):
        publish("late", zoo=f"{ZOO}@{commit}")


def test_the_token_stays_with_the_hub(hub, repository):
    repository.private = True
    tfssl.zoo.load("small", source=ZOO)
    assert hub.asked_for("GET /large/") == 1
    assert hub.strangers == []


def test_the_programs_take_one(hub, tmp_path):
    record = {"settings": {"method": "simclr", "dataset": "digits"}, "finished": True}
    (tmp_path / "run.json").write_text(json.dumps(record))
    pixels().save(tmp_path / "encoder.keras")
    said = run("publish", f"--workdir={tmp_path}", "--name=mine", f"--zoo={ZOO}")
    assert f"Published {ZOO}/mine." in said
    assert f'tfssl.zoo.load("mine", source="{ZOO}")' in said
    backends = f"--backends={keras.backend.backend()}"
    with pytest.MonkeyPatch.context() as patch:
        # So that it is measured in this process.
        patch.setenv("KERAS_BACKEND", keras.backend.backend())
        said = run("verify_zoo", f"--zoo={ZOO}", backends)
    assert f"Files of {resolve_source(ZOO)}: as published" in said
    assert "mine" in run("zoo_table", f"--zoo={ZOO}")


@pytest.mark.parametrize(
    "address",
    ["hf://", "hf://owner", "hf://owner/repo/more", "hf://owner/repo@", "hf:///repo"]
    + ["hf://../repo", "hf://owner/a--b", "hf://owner/-a", "hf://owner/a b"]
    + ["hf://owner/repo@a b", "hf://datasets/owner/repo", "hf://owner/é"],
)
def test_a_malformed_address_is_refused_by_name(monkeypatch, address):
    # Before anybody is asked, and with the package or without.
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for refused in (resolve_source, lambda zoo: publish("mine", zoo=zoo)):
        with pytest.raises(NotFoundError, match="hf://owner/repo@revision") as error:
            refused(address)
        assert f"Received: {address!r}" in str(error.value)


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for ask in (tfssl.zoo.names, lambda zoo: publish("mine", zoo=zoo)):
        with pytest.raises(NotFoundError, match="pip install huggingface_hub") as error:
            ask(ZOO)
        assert repr(ZOO) in str(error.value)


def test_tfssl_is_imported_without_the_package():
    code = "import sys; sys.modules['huggingface_hub'] = None; import tfssl"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_missing_is_named(hub, repository):
    with pytest.raises(NotFoundError, match="no such repository.*some/other"):
        tfssl.zoo.load("small", source="hf://some/other")
    with pytest.raises(NotFoundError, match="no such branch.*@old'"):
        tfssl.zoo.load("small", source=f"{ZOO}@old")
    with pytest.raises(NotFoundError, match="no encoder 'large' .* There are: small"):
        tfssl.zoo.load("large", source=ZOO)
    with pytest.raises(NotFoundError, match="without projector.keras"):
        tfssl.zoo.load_projector("small", source=ZOO)
    repository.change({"small/encoder.keras": None})
    with pytest.raises(NotFoundError, match="small/encoder.keras is missing"):
        tfssl.zoo.load("small", source=ZOO)
    repository.change({"index.json": None})
    with pytest.raises(NotFoundError, match="index.json is missing"):
        tfssl.zoo.names(ZOO)


def test_a_private_repository_takes_a_token(hub, repository, monkeypatch):
    repository.private = True
    assert list(tfssl.zoo.names(ZOO)) == ["small"]
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(NotFoundError, match=f"private.*HF_TOKEN.*'{ZOO}'"):
        tfssl.zoo.load("small", source=ZOO)
    with pytest.raises(ZooError, match=f"takes a token.*HF_TOKEN.*'{ZOO}'"):
        publish("mine")


def test_without_a_network(hub, repository, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        for ask in (tfssl.zoo.names, lambda zoo: publish("mine", zoo=zoo)):
            with pytest.raises(NotFoundError, match=f"{ZOO} is .* cannot be reached"):
                ask(ZOO)
    # Between two requests.
    source = resolve_source(ZOO)
    hub.storage = "http://localhost:9"
    with pytest.raises(NotFoundError, match="encoder.keras cannot be reached"):
        tfssl.zoo.load("small", source=source)
    assert "encoder.keras" not in downloads()


def test_a_hub_that_talks_nonsense(hub, repository, monkeypatch):
    hub.storage = "ftp://localhost"
    with pytest.raises(NotFoundError, match="should be at an http.*ftp://localhost"):
        tfssl.zoo.load("small", source=ZOO)
    monkeypatch.setattr(Repository, "at", lambda self, revision: "../../other")
    monkeypatch.setattr(Repository, "tree", lambda self, revision: {})
    with pytest.raises(NotFoundError, match="which commit.*'../../other'"):
        tfssl.zoo.names(ZOO)


@pytest.mark.parametrize("file", ["encoder.keras", "metadata.json"])
def test_an_altered_file_is_refused(hub, repository, file):
    content = repository.tree()[f"small/{file}"]
    altered = bytes([content[0] ^ 1]) + content[1:]
    ask = tfssl.zoo.load if file == "encoder.keras" else tfssl.zoo.info
    # On the way; and in the repository, by somebody who left the index alone.
    hub.contents[file] = altered
    with pytest.raises(IntegrityError, match=f"small/{file} is not the file") as error:
        ask("small", source=ZOO)
    assert hashlib.sha256(altered).hexdigest() in str(error.value)
    hub.contents.clear()
    before = repository.at("main")
    repository.change({f"small/{file}": altered})
    with pytest.raises(IntegrityError, match=f"small/{file} is not the file"):
        ask("small", source=ZOO)
    assert file not in downloads()
    assert ask("small", source=f"{ZOO}@{before}")


def test_an_altered_copy_is_not_used(hub, repository):
    tfssl.zoo.load("small", source=ZOO)
    (copy,) = cache_folder().rglob("encoder.keras")
    content = copy.read_bytes()
    copy.write_bytes(content[:-1] + b"?")
    tfssl.zoo.load("small", source=ZOO)
    assert copy.read_bytes() == content


def test_what_is_too_large_is_not_downloaded(hub, repository):
    size = len(repository.tree()["small/encoder.keras"])
    before = repository.at("main")
    repository.change({"small/encoder.keras": b"x" * (size + 1)})
    with pytest.raises(IntegrityError, match=f"Expected {size} bytes at most"):
        tfssl.zoo.load("small", source=ZOO)
    assert hub.asked_for("GET /large/") == 0
    repository.change({"index.json": b" " * (16 * 2**20 + 1)})
    hub.asked.clear()
    with pytest.raises(FormatError, match="longer than"):
        tfssl.zoo.names(ZOO)
    assert hub.asked_for("index.json") == 1  # HEAD
    # Of a size that is not the stated one.
    for name in ("encoder.keras", "index.json"):
        hub.sent, hub.contents = 0, {name: endless}
        with pytest.raises((IntegrityError, FormatError), match="more bytes|longer"):
            tfssl.zoo.load("small", source=f"{ZOO}@{before}")
        assert hub.sent < 48 * 2**20
    assert "encoder.keras" not in downloads()


def test_what_is_committed_in_between_stays(hub, repository):
    hub.meanwhile = [lambda: publish("theirs")]
    publish("mine")
    assert hub.refused.count(412) == 1
    assert list(tfssl.zoo.names(ZOO)) == ["mine", "small", "theirs"]
    for name in ("mine", "theirs"):
        assert tfssl.zoo.load(name, source=ZOO).output_shape == (None, 3)
        assert f'id="encoder-{name}"' in repository.tree()["index.html"].decode()
    assert check_files(resolve_source(ZOO)) == []


def test_two_at_once_lose_nothing(hub, repository):
    # Neither commits before both are about to.
    meeting = threading.Barrier(2)
    hub.meanwhile = [lambda: meeting.wait(timeout=20)] * 2
    both = [threading.Thread(target=publish, args=[name]) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert hub.refused.count(412) == 1
    assert list(tfssl.zoo.names(ZOO)) == ["one", "small", "two"]
    assert check_files(resolve_source(ZOO)) == []


def test_a_name_that_is_taken_in_between(hub, repository):
    hub.meanwhile = [lambda: publish("mine", encoder())]
    with pytest.raises(ZooError, match="mine exists already"):
        publish("mine")
    assert hub.refused.count(412) == 1
    assert tfssl.zoo.load("mine", source=ZOO).output_shape == (None, 128)


def test_others_who_are_faster_each_time(hub, repository, monkeypatch):
    monkeypatch.setattr(zoo_hub, "_TRIES", 3)
    hub.meanwhile = [
        lambda n=n: repository.change({"notes.txt": b"%d" % n}) for n in range(9)
    ]
    with pytest.raises(ZooError, match=f"Others committed to {ZOO} each of the 3"):
        publish("mine")
    assert hub.refused.count(412) == 3
    assert list(tfssl.zoo.names(ZOO)) == ["small"]


def test_overwriting(hub, repository):
    head = tfssl.heads.projection_head(3, (8, 4))
    publish("mine", projector=head)
    commits = len(repository.trees)
    with pytest.raises(ZooError, match="mine exists already.*overwrite=True"):
        publish("mine")
    # A folder that no index knows.
    repository.change({"folder/notes.txt": b"of somebody's"})
    with pytest.raises(ZooError, match="folder exists already"):
        publish("folder")
    assert len(repository.trees) == commits + 1
    for name in ("mine", "folder"):
        publish(name, encoder(), overwrite=True)
        assert tfssl.zoo.load(name, source=ZOO).output_shape == (None, 128)
    paths = set(repository.tree())
    assert not paths & {"mine/projector.keras", "folder/notes.txt"}
    assert check_files(resolve_source(ZOO)) == []


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_commit_that_fails_leaves_the_repository_as_it_was(hub, repository, status):
    before = repository.at("main")
    hub.out_of_order = status
    with pytest.raises(ZooError, match=f"{ZOO} is refused"):
        publish("mine")
    hub.out_of_order = None
    assert repository.at("main") == before
    assert hub.refused.count(status) == 1
    publish("mine")


def test_a_failure_before_the_commit_asks_for_none(hub, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(sys.modules["tfssl.zoo.publish"], "model_card", fail)
    with pytest.raises(OSError, match="disk full"):
        publish("mine")
    assert hub.repositories == {}


def test_a_damaged_index_is_not_replaced(hub, repository):
    before = repository.change({"index.json": b"{"})
    with pytest.raises(FormatError):
        publish("mine")
    assert repository.at("main") == before


def test_a_repository_without_a_zoo_becomes_one(hub):
    hub.repositories[REPO] = Repository()
    hub.repositories[REPO].change({"README.md": b"# Notes"})
    publish("mine")
    assert list(tfssl.zoo.names(ZOO)) == ["mine"]
    assert hub.repositories[REPO].tree()["README.md"] == b"# Notes"
