"""The protocols of scripts/evaluate.py, on the pixels of the digits."""

import json

import numpy as np
import pytest
from absl import app
from cases import pixels
from programs import imported, run, write_npz

import tfssl


@pytest.mark.matrix
def test_each_protocol_is_measured(tmp_path):
    arguments = (
        "--encoder=pixels",
        "--dataset=digits",
        "--protocol=knn,few_knn,linear,few_linear,hidden",
        "--labels_per_class=5,25",
        "--k=20",
        "--draws=3",
        f"--feature_cache={tmp_path / 'features'}",
        f"--output={tmp_path / 'results.json'}",
    )
    with imported("evaluate", *arguments) as evaluate:
        evaluate.main()
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    results = [tfssl.transfer.Result.from_dict(result) for result in results]
    assert [result.title for result in results] == [
        "knn",
        "few_knn, 5 labels per class",
        "few_knn, 25 labels per class",
        "linear",
        "few_linear, 5 labels per class",
        "few_linear, 25 labels per class",
        "hidden",
    ]
    assert results[0].settings["k"] == 20
    assert results[3].settings["validation_accuracy"]
    for result in results:
        assert 0.8 < result.value < 1.0
        assert result.settings["feature_dim"] == 16 * 16 * 3
        few = result.protocol.startswith("few")
        assert (result.std is not None) == few
        assert result.settings.get("draws") == (3 if few else None)
    # Those of the training and of the test images.
    assert len(list((tmp_path / "features").iterdir())) == 2


def test_a_protocol_that_fails_loses_no_result(tmp_path, monkeypatch):
    import tfssl

    def fails(*data, **options):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(tfssl.transfer, "linear_probe", fails)
    output = tmp_path / "results.json"
    arguments = (
        "--dataset=digits",
        "--encoder=pixels",
        "--protocol=knn,linear",
        f"--output={output}",
    )
    with imported("evaluate", *arguments) as evaluate:
        with pytest.raises(RuntimeError, match="out of memory"):
            evaluate.main()
    results = json.loads(output.read_text())["results"]
    assert [result["protocol"] for result in results] == ["knn"]


@pytest.mark.parametrize("protocol", ["knn", "few_knn"])
def test_the_vote_is_of_the_temperature_that_is_asked_for(protocol):
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(60, 4)), np.arange(60) % 3
    data = features[:40], labels[:40], features[40:], labels[40:]
    found = []
    for temperature in (0.01, 100):
        flags = ("--encoder=none", "--dataset=none", f"--temperature={temperature}")
        with imported("evaluate", *flags, "--k=20", "--draws=3") as evaluate:
            found.append(evaluate.measure(protocol, data, 10))
        assert found[-1].settings["temperature"] == temperature
    assert found[0].value != found[1].value


def test_layers_are_pooled_and_told(tmp_path):
    encoder = tfssl.encoders.dim_cnn(16, width=8, dim=32)
    encoder.save(tmp_path / "encoder.keras")
    output = tmp_path / "results.json"
    flags = ("--dataset=digits", "--protocol=knn", "--k=5", f"--output={output}")
    flags += (f"--encoder={tmp_path / 'encoder.keras'}", "--layer=conv,local")
    with imported("evaluate", *flags, "--pool=grid2") as evaluate:
        evaluate.main()
    settings = json.loads(output.read_text())["results"][0]["settings"]
    assert (settings["layer"], settings["pool"]) == (["conv", "local"], "grid2")
    channels = [
        tfssl.encoders.output_of(encoder, n).shape[-1] for n in ("conv", "local")
    ]
    assert settings["feature_dim"] == 4 * sum(channels)
    with imported("evaluate", *flags[:-1], "--layer=none") as evaluate:
        with pytest.raises(ValueError, match="no layer 'none'"):
            evaluate.main()


@pytest.mark.parametrize("flag", ["--layer=conv", "--pool=mean"])
def test_pixels_have_no_layers(flag):
    with imported("evaluate", "--dataset=digits", "--encoder=pixels", flag) as evaluate:
        with pytest.raises(app.UsageError, match="no layers"):
            evaluate.main()


def test_few_labels_of_pixels_and_of_a_layer(tmp_path):
    """Of pixels that is the accuracy of the library's own protocol."""
    flags = ("--dataset=digits", "--mode=frozen", "--labels_per_class=2", "--draws=2")
    out = tmp_path / "pixels.json"
    run("finetune", "--encoder=pixels", *flags, f"--output={out}")
    (result,) = tfssl.transfer.read_results(out)["results"]
    train, test = (tfssl.data.load("digits", split) for split in ("train", "test"))
    expected = tfssl.transfer.few_label_accuracy(
        tfssl.transfer.pixels(16), train, test, "frozen", labels_per_class=2, draws=2
    )
    assert result.draws == expected.draws and result.value > 0.5

    tfssl.encoders.dim_cnn(16, width=4, dim=8).save(tmp_path / "encoder.keras")
    layer = (f"--encoder={tmp_path / 'encoder.keras'}", "--layer=conv")
    of_layer, of_features = (
        run("finetune", *layer[:count], *flags) for count in (2, 1)
    )
    assert of_layer != of_features


@pytest.mark.parametrize("given, augment", [((), "auto"), (("--noaugment",), None)])
def test_fine_tuning_is_as_the_flags_say(tmp_path, monkeypatch, given, augment):
    """When a mode is measured, and when a classifier is made to be kept."""
    write_npz(tmp_path / "data.npz", n=64)
    flags = (f"--dataset=npz:{tmp_path / 'data.npz'}", "--encoder=none", *given)
    flags += ("--label_fraction=0.5", "--steps=3", "--batch_size=8")
    flags += ("--learning_rate=0.1", "--draws=2", "--seed=4")
    asked = []
    for name in ("few_label_accuracy", "fine_tune"):
        monkeypatch.setattr(
            tfssl.transfer, name, lambda *data, **how: asked.append((data, how))
        )
    with imported("finetune", *flags) as finetune:
        finetune.few_labels(None, None, None, "finetuned")
    with imported("finetune", *flags, f"--save={tmp_path / 'c.keras'}") as finetune:
        monkeypatch.setattr(finetune.common, "load_encoder", lambda *_: pixels())
        monkeypatch.setattr(finetune.common, "save_classifier", lambda *_: None)
        finetune.main()
    (_, measured), ((_, images, *_), kept) = asked
    training = {"steps": 3, "batch_size": 8, "learning_rate": 0.1, "augment": augment}
    few = {"labels_per_class": None, "label_fraction": 0.5, "draws": 2}
    assert measured.items() >= {**training, **few, "seed": 4}.items()
    assert kept == {**training, "mode": "finetuned", "seed": 4}
    # Of each class half, of 48 images.
    assert len(images) in (23, 24, 25)


@pytest.mark.parametrize("flags", [("--mode=scratch",), ("--save=a.keras",)])
def test_pixels_are_not_trained(flags):
    given = ("--dataset=digits", "--encoder=pixels", "--labels_per_class=2")
    with imported("finetune", *given, *flags) as finetune:
        with pytest.raises(app.UsageError, match="Pixels cannot be trained"):
            finetune.main()
