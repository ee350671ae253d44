import json

import pytest
from cases import pixels
from conftest import CARD
from written import write_zoo

import tfssl
from tfssl import files
from tfssl.zoo.index import resolve_source
from tfssl.zoo.inventory import check_files


@pytest.fixture
def zoo(tmp_path):
    return write_zoo(tmp_path / "zoo", small=CARD)


def rewrite(zoo, change):
    """Changes the index."""
    index = json.loads((zoo / "index.json").read_text())
    change(index["encoders"]["small"])
    (zoo / "index.json").write_text(json.dumps(index))


def test_what_is_published_is_right(zoo):
    tfssl.zoo.publish(pixels(), "another", zoo=zoo, card=CARD)
    assert check_files(zoo) == []


@pytest.mark.parametrize("file", ["encoder.keras", "README.md", "metadata.json"])
def test_a_byte_that_changed_is_found(zoo, file):
    path = zoo / "small" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (wrong,) = check_files(zoo)
    assert wrong.startswith(f"small/{file}: ") and "not the file that was" in wrong


def test_what_is_missing_or_unknown_is_found(zoo):
    (zoo / "small" / "README.md").unlink()
    (zoo / "small" / "draft.md").touch()
    (zoo / "other").mkdir()
    (zoo / ".partial-x.1").mkdir()
    missing, *unknown = check_files(zoo)
    assert missing.startswith("small/README.md: ") and "is missing" in missing
    assert unknown == [
        f"{path} is not in the index."
        for path in (".partial-x.1", "other", "small/draft.md")
    ]


def test_an_index_that_says_other_things_than_the_metadata_is_found(zoo):
    rewrite(zoo, lambda entry: entry["summary"].update(knn=0.99))
    assert check_files(zoo) == ["small/metadata.json says other things than the index."]


def test_metadata_that_cannot_be_read_is_found(zoo):
    path = zoo / "small" / "metadata.json"
    for content in ('{"metrics": [3]}', "[]"):
        path.write_text(content)
        facts = files.facts(path)
        rewrite(zoo, lambda e, facts=facts: e["files"].update({"metadata.json": facts}))
        (wrong,) = check_files(zoo)
        assert "cannot be read" in wrong


def test_an_encoder_without_its_file_is_found(zoo):
    rewrite(zoo, lambda entry: entry["files"].pop("encoder.keras"))
    assert "small has no encoder.keras." in check_files(zoo)


@pytest.mark.usefixtures("server")
def test_an_address_is_checked_too(zoo):
    source = resolve_source()
    whole = (zoo / "small" / "README.md").read_text()
    (zoo / "small" / "README.md").write_text("other")
    (wrong,) = check_files(source)
    assert wrong.startswith("small/README.md: http")
    (zoo / "small" / "README.md").write_text(whole)
    assert check_files(source) == []


def test_the_zoo_of_the_package_is_whole(monkeypatch):
    monkeypatch.delenv("TFSSL_ZOO", raising=False)
    assert check_files(resolve_source()) == []
