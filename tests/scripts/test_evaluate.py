"""The protocols of scripts/evaluate.py, on the pixels of the digits."""

import json

import pytest
from absl import app
from programs import imported, run

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


@pytest.mark.parametrize("flags", [("--mode=scratch",), ("--save=a.keras",)])
def test_pixels_are_not_trained(flags):
    given = ("--dataset=digits", "--encoder=pixels", "--labels_per_class=2")
    with imported("finetune", *given, *flags) as finetune:
        with pytest.raises(app.UsageError, match="Pixels cannot be trained"):
            finetune.main()
