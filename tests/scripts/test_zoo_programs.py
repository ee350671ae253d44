"""scripts/verify_zoo.py, scripts/zoo_table.py and scripts/zoo_examples.py."""

import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from cases import pixels
from programs import ROOT, imported, run, start, write_npz

import tfssl

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A zoo with two encoders, one of which was measured; and its data."""
    folder = tmp_path_factory.mktemp("made")
    write_npz(folder / "data.npz", n=40)
    with np.load(folder / "data.npz") as data:
        x, y, test_x, test_y = (
            data[f"{kind}_{part}"] for part in ("train", "test") for kind in "xy"
        )
    model = pixels()
    bank, queries = (tfssl.transfer.features(model, part) for part in (x, test_x))
    result = tfssl.transfer.knn(bank, y, queries, test_y, k=3)
    settings = {"dataset": "npz:data.npz", "train_images": len(x)}
    metrics = [result.with_settings(**settings).to_dict()]
    card = {"method": "none", "dataset": "npz:data.npz", "metrics": metrics}
    tfssl.zoo.publish(model, "measured", folder / "zoo", card)
    image = keras.Input((16, 16, 3))
    larger = keras.Model(image, keras.layers.Dense(99)(pixels()(image)))
    card = {"method": "none", "dataset": "none"}
    tfssl.zoo.publish(larger, "larger", folder / "zoo", card)
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A copy of it."""
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    return Path(shutil.copytree(made, tmp_path / "here"))


def verify(here, *flags, fails=False):
    backend = f"--backends={keras.backend.backend()}"
    return run("verify_zoo", f"--zoo={here / 'zoo'}", backend, *flags, fails=fails)


def replace(here, name, change):
    """Changes the metadata of an encoder, with its checksum and summary."""
    from tfssl import files
    from tfssl.zoo.metadata import summary

    path, index = here / "zoo" / name / "metadata.json", here / "zoo" / "index.json"
    metadata, known = json.loads(path.read_text()), json.loads(index.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))
    entry = known["encoders"][name]
    entry["files"]["metadata.json"] = files.facts(path)
    entry["summary"] = summary(metadata)
    index.write_text(json.dumps(known))


def test_a_whole_zoo(here):
    files, *lines = verify(here, f"--dataset=npz:{here / 'data.npz'}").splitlines()
    assert files == f"Files of {here / 'zoo'}: as published"
    assert [line.split()[0] for line in lines] == ["larger", "measured"]
    assert "kNN" not in lines[0] and "features differ by" in lines[0]
    value = tfssl.zoo.info("measured", source=here / "zoo")["metrics"][0]["value"]
    assert f"kNN {value:.4f}, published {value:.4f}" in lines[1]
    (line,) = verify(here, "--smallest", "--nofiles").splitlines()
    assert line.startswith("measured")


def test_what_is_wrong_is_said_and_the_status_is_1(here):
    (here / "zoo" / "notes.txt").touch()
    assert "notes.txt is not in the index" in verify(here, fails=True)


def test_another_index_than_the_pinned_one_fails(here, monkeypatch):
    monkeypatch.setenv("TFSSL_ZOO", str(here / "zoo"))
    monkeypatch.setenv("TFSSL_ZOO_PIN", 64 * "0")
    backend = f"--backends={keras.backend.backend()}"
    for program, flags in (("verify_zoo", [backend]), ("zoo_table", [])):
        assert 64 * "0" in run(program, *flags, fails=True)


def test_features_that_differ_fail(here):
    def change(metadata):
        metadata["fingerprint"]["norm"][0] *= 1.01

    replace(here, "measured", change)
    error = verify(here, fails=True)
    assert "measured, " in error and "features differ by" in error
    assert verify(here, "--encoders=larger").count("loads") == 1


def test_knn_that_differs_fails(here):
    def change(metadata):
        metadata["metrics"][0]["value"] -= 0.003

    replace(here, "measured", change)
    data = f"--dataset=npz:{here / 'data.npz'}"
    error = verify(here, data, fails=True)
    assert "they differ by more than 0.002" in error
    assert "FAILED" not in verify(here, data, "--bound=0.01")
    replace(
        *(here, "measured"),
        lambda m: m["metrics"][0]["settings"].update(train_images=9),
    )
    assert "is of 9 train images" in verify(here, data, fails=True)


def test_an_old_card_has_no_fingerprint(here):
    replace(here, "larger", lambda metadata: metadata.pop("fingerprint"))
    assert "loads, has no fingerprint" in verify(here)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--encoders=cat"], "some of larger, measured"),
        (["--dataset=digits"], "No card of these encoders states kNN"),
        (["--backends=torch"], "some of tensorflow, jax"),
        (["--zoo=/nowhere"], "There is no zoo"),
    ],
)
def test_mistakes(here, flags, message):
    error = verify(here, *flags, fails=True)
    assert message in error and "Traceback" not in error


@pytest.mark.matrix
def test_both_backends(here):
    out = start("verify_zoo", f"--zoo={here / 'zoo'}")
    assert out.count("Files of") == 1
    words = [line.split()[:3] for line in out.splitlines()[1:]]
    assert words == [
        [name, backend, "loads,"]
        for backend in ("tensorflow", "jax")
        for name in ("larger", "measured")
    ]
    (here / "zoo" / "measured" / "encoder.keras").write_text("x")
    error = start("verify_zoo", f"--zoo={here / 'zoo'}", fails=True)
    assert error.splitlines()[-1] == "Failed: tensorflow, jax"


def test_the_tables_are_put_in_their_place(here):
    page, zoo = here / "page.md", f"--zoo={here / 'zoo'}"
    with imported("zoo_table") as program:
        begin, end = program.BEGIN, program.END
    page.write_text(f"Before\n{begin}\nold\n{end}\nAfter\n")
    for _ in range(2):
        run("zoo_table", zoo, f"--write={page}")
        text = page.read_text()
        assert text.startswith(f"Before\n{begin}\n| encoder |") and "old" not in text
        assert text.endswith(f"|\n{end}\nAfter\n") and text.count("`measured`") == 1
    assert "| `measured` | none |" in run("zoo_table", zoo)
    error = run("zoo_table", zoo, f"--plots={here / 'plots'}", fails=True)
    assert "No card of this zoo" in error and not (here / "plots").exists()
    page.write_text("nothing")
    assert "no place for the tables" in run("zoo_table", f"--write={page}", fails=True)


def test_examples_of_those_that_learned_from_the_data(here):
    zoo, data = f"--zoo={here / 'zoo'}", f"--dataset=npz:{here / 'data.npz'}"
    out = run("zoo_examples", zoo, data)
    assert out.count("Wrote") == 1 and "measured/examples.json" in out
    assert not (here / "zoo" / "larger" / "examples.json").exists()
    with np.load(here / "data.npz") as arrays:
        count = len(arrays["y_test"])
    content = json.loads((here / "zoo" / "measured" / "examples.json").read_text())
    assert (content["split"], content["total"]) == ("test", count)
    # Not where it lies.
    assert content["dataset"] == "npz:data.npz"
    assert "as published" in verify(here)
    run("zoo_examples", zoo, data, "--encoders=larger", "--seed=1")
    other = json.loads((here / "zoo" / "larger" / "examples.json").read_text())
    assert other["seed"] == 1
    page = (here / "zoo" / "index.html").read_text()
    assert page.count('class="shown"') == 2


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--encoders=cat"], "some of larger, measured; .* Received: cat"),
        (["--dataset=digits"], "some must have learned from digits. Received: none"),
        (["--zoo=nowhere"], "There is no zoo in nowhere"),
    ],
)
def test_examples_of_none(here, flags, message):
    common = (f"--zoo={here / 'zoo'}", f"--dataset=npz:{here / 'data.npz'}")
    error = run("zoo_examples", *common, *flags, fails=True)
    assert re.search(message, error) and "Traceback" not in error
    assert not list((here / "zoo").glob("*/examples.json"))


@pytest.mark.parametrize("path", ["README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_committed_tables_are_those_of_the_zoo(path):
    """Wherever they are put; `tfssl zoo_table --write=FILE` writes them anew."""
    from tfssl.zoo.published import published
    from tfssl.zoo.table import markdown_tables

    text = (ROOT / path).read_text()
    with imported("zoo_table") as program:
        if program.BEGIN in text.splitlines():
            tables = markdown_tables(published(ROOT / "zoo"))
            assert program.replaced(ROOT / path, tables) == text


def test_the_committed_plots_are_those_of_the_zoo():
    from tfssl.zoo.published import published

    with imported("zoo_table") as program:
        plots = program.plots(published(ROOT / "zoo"))
    folder = ROOT / "docs" / "zoo_labels"
    assert plots == {file.stem: file.read_text() for file in folder.glob("*")}


def test_a_data_set_whose_name_leads_elsewhere_has_no_plot():
    from tfssl.zoo.published import Published

    result = {"protocol": "frozen", "value": 0.5, "settings": {"labels_per_class": 5}}
    mean = {"dataset": "tfds:../../x", "metrics": [result]}
    with imported("zoo_table") as program:
        with pytest.raises(ValueError, match="no name for a file: '../../x'"):
            program.plots([Published("mean", mean, {})])
