"""What scripts/pretrain.py makes of its flags."""

import keras
import numpy as np
import pytest
from absl import flags
from absl.flags import Error
from programs import SMALL, imported, run, write_npz

import tfssl


def recipe(*arguments, size=32):
    images = tfssl.data.ImageData(np.zeros((300, size, size, 3), "uint8"))
    given = ("--workdir=nowhere", "--dataset=tfds:mine", *arguments)
    with imported("pretrain", *given) as pretrain:
        return pretrain.recipe_flags.chosen_recipe(images)


def test_the_preset_is_that_of_the_data():
    assert recipe("--dataset=digits", size=16).preset == "digits"
    assert recipe("--dataset=tfds:mine", size=32).preset == "cifar"
    for photos in ("--dataset=npz:a.npz", "--dataset=folder:a", "--dataset=tfds:mine"):
        chosen = recipe(photos, size=256)
        assert (chosen.preset, chosen.batch_size) == ("photos", 16)
        assert chosen.image_size == tfssl.methods.view_size(256)
    assert recipe("--dataset=digits", "--preset=cifar", size=16).preset == "cifar"


def test_flags_change_the_recipe():
    made = recipe("--epochs=7", "--batch_size=64", "--encoder=resnet10", "--stem=small")
    assert (made.epochs, made.batch_size, made.encoder) == (7, 64, "resnet10")
    assert made.encoder_arguments["stem"] == "small"
    made = recipe("--chunk=8", "--accumulate=4", "--warmup_epochs=0.5")
    assert (made.chunk, made.accumulate, made.warmup()) == (8, 4, 0.5)
    made = recipe(
        "--dataset=npz:a.npz",
        "--set=temperature=0.5",
        "--set=blur=false",
        "--optimizer=sgd",
        "--learning_rate=0.1",
        "--weight_decay=0",
    )
    assert made.arguments["temperature"] == 0.5 and made.views["blur"] is False
    assert (made.optimizer, made.learning_rate, made.weight_decay) == ("sgd", 0.1, 0)


def test_a_run_is_stopped_unless_it_is_not_to_be():
    for given, stops in ((), True), (("--nostop_unhealthy",), False):
        with imported("pretrain", "--workdir=w", "--dataset=a", *given) as pretrain:
            (check,) = pretrain.watchers(None, None)
            assert check.stop == stops


@pytest.mark.parametrize(
    "flag, count", [("--label_fraction=0.3", 6), ("--labels_per_class=2", 4)]
)
def test_a_method_gets_as_many_labels_as_were_asked_for(flag, count):
    train = tfssl.data.ImageData(np.zeros((20, 4, 4, 3), "uint8"), np.arange(20) % 2)
    with imported("pretrain", "--workdir=w", "--dataset=a", flag) as pretrain:
        known = pretrain.recipe_flags.known_labels(train, tfssl.methods.Joint)
        with pytest.raises(Error, match="methods that learn from labels"):
            pretrain.recipe_flags.known_labels(train, tfssl.methods.SimCLR)
    rows = known >= 0
    assert rows.sum() == count
    np.testing.assert_array_equal(known[rows], train.labels[rows])


def test_views_have_a_size_of_their_own():
    assert recipe("--view_size=24", size=32).image_size == 24
    assert recipe(size=32).image_size == 32
    model = recipe("--view_size=24", "--encoder_width=4", size=32).make(300)
    assert model.encoder.input_shape == (None, 24, 24, 3)


def test_an_encoder_that_was_saved_computes_in_float32():
    for given, expected in ((), "auto"), (("--init=a.keras",), "float32"):
        with imported("pretrain", "--workdir=w", "--dataset=a", *given) as pretrain:
            assert pretrain.recipe_flags.precision() == expected
    given = ("--init=a.keras", "--precision=mixed_bfloat16")
    with imported("pretrain", "--workdir=w", "--dataset=a", *given) as pretrain:
        with pytest.raises(Error, match="leave out --precision=mixed_bfloat16"):
            pretrain.main()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--method=moco_v2", "--set=symmetric=maybe"], "symmetric"),
        (["--method=cpc", "--encoder=context_cnn"], "Encoders that fit: dim_cnn"),
        (["--method=dim", "--set=stem=small"], "dim_cnn takes no stem"),
        (["--batch_size=5000"], "more than the 192 images"),
        (["--epochs=2147483647"], "at most 2,147,483,647 steps. Choose fewer epochs"),
    ],
)
def test_a_refused_argument_leaves_no_workdir(tmp_path, arguments, message):
    write_npz(tmp_path / "data.npz")
    data = f"--dataset=npz:{tmp_path / 'data.npz'}"
    arguments = (data, "--batch_size=16", "--precision=float32", *arguments)
    with imported("pretrain", f"--workdir={tmp_path / 'w'}", *arguments) as pretrain:
        with pytest.raises(ValueError, match=message):
            pretrain.main()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "split, label, message",
    [
        ("train", 10**12, "Labels of train must be .* numbers them anew.*10000000"),
        ("test", 10**12, "Labels of test must be .* numbers them anew.*10000000"),
        ("train", -2, "Labels must be classes from 0, or -1 for .* Received: -2"),
    ],
)
def test_refused_labels_leave_no_workdir(tmp_path, monkeypatch, split, label, message):
    write_npz(tmp_path / "data.npz")
    arrays = dict(np.load(tmp_path / "data.npz"))
    arrays[f"y_{split}"] = arrays[f"y_{split}"].astype("int64") * label
    np.savez(tmp_path / "data.npz", **arrays)
    for script, *others in (
        ("pretrain", "--batch_size=16", "--encoder_width=4"),
        ("distill", "--encoder=none", "--labels_per_class=1"),
    ):
        with imported(
            script,
            f"--workdir={tmp_path / 'w'}",
            f"--dataset=npz:{tmp_path / 'data.npz'}",
            *("--precision=float32", *others),
        ) as module:
            monkeypatch.setattr(module.common, "load_encoder", lambda *_: Anything)
            with pytest.raises(ValueError, match=message):
                module.main()
        assert not (tmp_path / "w").exists()


class Anything:
    """An encoder whose image size is all that is asked for."""

    input_shape = (None, 16, 16, 3)


def test_a_batch_that_the_model_refuses_leaves_no_workdir(tmp_path, monkeypatch):
    """As one that the replicas cannot share out."""

    class Refuses:
        def check_batch(self, size):
            raise ValueError(f"A batch must be odd. Received: {size}")

    write_npz(tmp_path / "data.npz")
    monkeypatch.setattr(tfssl.methods.Recipe, "make", lambda *_, **__: Refuses())
    flags = (f"--dataset=npz:{tmp_path / 'data.npz'}", "--batch_size=16")
    with imported("pretrain", f"--workdir={tmp_path / 'w'}", *flags) as pretrain:
        with pytest.raises(ValueError, match="Received: 16"):
            pretrain.main()
    assert not (tmp_path / "w").exists()


def test_a_second_program_in_the_workdir_is_refused(tmp_path, monkeypatch):
    class Model(Anything):
        """One that is never trained."""

        encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])

        def check_batch(self, size):
            pass

    write_npz(tmp_path / "data.npz")
    monkeypatch.setattr(tfssl.methods.Recipe, "make", lambda *_, **__: Model())
    workdir = tmp_path / "run"
    workdir.mkdir()
    flags = (f"--dataset=npz:{tmp_path / 'data.npz'}", f"--workdir={workdir}")
    with tfssl.runs.alone(workdir):
        error = run("pretrain", *flags, "--batch_size=16", fails=True)
    assert f"RuntimeError: Another program is at work in {workdir}." in error


@pytest.mark.matrix
def test_averaged_weights_are_saved_and_saved_again(tmp_path, monkeypatch):
    """By a run, and by the same command after its end."""
    write_npz(tmp_path / "data.npz")
    arguments = (
        f"--workdir={tmp_path / 'run'}",
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        *("--batch_size=64", "--epochs=1", "--precision=float32", *SMALL[2:]),
    )
    saved = []
    with imported("pretrain", *arguments, "--encoder_width=4") as pretrain:
        chosen = pretrain.recipe_flags.chosen_recipe
        average = {
            "use_ema": True,
            "ema_momentum": 0.9,
            "trust_coefficient": 0.01,
        }
        monkeypatch.setattr(
            pretrain.recipe_flags,
            "chosen_recipe",
            lambda *args: chosen(*args).replace(optimizer_arguments=average),
        )
        for _ in range(2):
            pretrain.main()
            encoder = keras.saving.load_model(tmp_path / "run" / "encoder.keras")
            saved.append(encoder.get_weights())
        with monkeypatch.context() as without:
            without.setattr(
                keras.optimizers.Optimizer, "finalize_variable_values", lambda *_: None
            )
            pretrain.main()
    for once, again in zip(*saved, strict=True):
        np.testing.assert_array_equal(once, again)
    last = keras.saving.load_model(tmp_path / "run" / "encoder.keras")
    kernel = last.get_layer("stem_conv").kernel
    index = [w.path for w in last.weights].index(kernel.path)
    assert np.abs(last.get_weights()[index] - saved[0][index]).max() > 1e-4


def test_an_encoder_that_is_none():
    with pytest.raises(flags.IllegalFlagValueError, match="sk_resnet152"):
        recipe("--encoder=vit")


@pytest.mark.matrix
def test_a_run_goes_on_from_weights(tmp_path):
    """On other images, of another size; its report is made from its folder."""
    write_npz(tmp_path / "data.npz", size=24)
    first = tfssl.encoders.resnet10(16, stem="small", width=4)
    first.save(tmp_path / "first.keras")
    flags = (
        f"--workdir={tmp_path / 'run'}",
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        f"--init={tmp_path / 'first.keras'}",
        "--precision=float32",
    )
    assert "leave out --encoder_width" in run(
        "pretrain", *flags, "--encoder_width=4", fails=True
    )
    out = run("pretrain", *flags, "--epochs=0", "--knn_every=0")
    assert "photos: resnet10w4 on 16 px" in out
    saved = keras.saving.load_model(tmp_path / "run" / "encoder.keras")
    for a, b in zip(first.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    settings = tfssl.runs.Workdir.read(tmp_path / "run").info["settings"]
    assert settings["encoder"] == str(tmp_path / "first.keras")
    assert settings["encoder_width"] is None
    assert "report.html" in run("report", f"--workdir={tmp_path / 'run'}")


@pytest.mark.slow
@pytest.mark.matrix
def test_dino_trains_a_vision_transformer_by_its_defaults(tmp_path):
    flags = ("--method=dino", "--encoder=vit_tiny", "--dataset=digits")
    run("pretrain", *flags, "--epochs=1", "--noreport", f"--workdir={tmp_path}")
    encoder = keras.saving.load_model(tmp_path / "encoder.keras")
    features = encoder(tfssl.data.load("digits", "test").images[:8])
    assert features.shape == (8, 192) and np.isfinite(features).all()
    assert np.std(features, axis=0).max() > 0.01


def test_few_images_of_a_large_set_are_measured_while_it_trains():
    class Unread(tfssl.training.StreamedImages):
        def read(self, rows):
            raise AssertionError("nothing is to be read yet")

    labels = np.arange(50) % 3
    streamed = tfssl.data.ImageData(Unread((50, 4, 4, 3)), labels)
    kept = tfssl.data.ImageData(np.zeros((50, 4, 4, 3), "uint8"), labels)
    with imported("pretrain", "--workdir=nowhere", "--dataset=a") as pretrain:
        pretrain.STREAMED, pretrain.HELD = (50, 20), (50, 30)
        images, chosen = pretrain.monitored(streamed, 1)
        assert images.shape == (20, 4, 4, 3)
        assert len(set(images.rows)) == 20
        np.testing.assert_array_equal(chosen, labels[images.rows])
        again, _ = pretrain.monitored(streamed, 1)
        np.testing.assert_array_equal(again.rows, images.rows)
        assert pretrain.monitored(kept, 1)[0].shape == (30, 4, 4, 3)
        for part in (streamed, kept):
            assert pretrain.monitored(part, 0)[0] is part.images
