"""What scripts/pretrain.py makes of its flags."""

import dataclasses
import types

import keras
import numpy as np
import pytest
from absl import app, flags
from programs import SMALL, imported, write_npz

import tfssl


def images(size, n=300):
    return types.SimpleNamespace(
        images=np.zeros((n, size, size, 3), "uint8"), labels=None, name="mine"
    )


def recipe_and_model(*arguments, size=32):
    """As main does, without training."""
    arguments = ("--workdir=nowhere", "--preset=cifar", "--encoder_width=4", *arguments)
    with imported("pretrain", *arguments) as pretrain:
        recipe = pretrain.chosen_recipe(images(size))
        return recipe, pretrain.make_model(recipe, images(size))


def recipe(*arguments):
    with imported("pretrain", "--workdir=nowhere", *arguments) as pretrain:
        return pretrain.chosen_recipe(images(32))


def test_the_encoders_are_those_of_the_package():
    with imported("common") as common:
        assert common.ENCODERS == tuple(tfssl.encoders.ENCODERS)


@pytest.mark.parametrize("preset, size", [("digits", 16), ("cifar", 32)])
def test_another_encoder_than_the_presets(preset, size):
    arguments = ("--method=context_encoder", "--encoder=resnet18", "--encoder_width=4")
    with imported(
        "pretrain", "--workdir=nowhere", f"--preset={preset}", *arguments
    ) as pretrain:
        recipe = pretrain.chosen_recipe(images(size))
        model = pretrain.make_model(recipe, images(size))
    assert recipe.encoder_arguments == {}
    assert model.encoder.name == "resnet18w4"


def test_what_the_method_itself_takes_stays():
    cpc = recipe("--method=cpc", "--preset=digits", "--encoder=resnet18")
    assert cpc.encoder_arguments == {"patch_size": 12, "stride": 2}
    cmc = recipe("--method=cmc", "--preset=digits", "--encoder=resnet34")
    assert cmc.encoder_arguments == {"split": "halves"}


def test_another_schedule_or_optimizer_than_the_papers():
    moco = recipe("--method=moco_v1", "--preset=paper")
    assert moco.falls == (0.6, 0.8)
    warm = recipe("--method=moco_v1", "--preset=paper", "--warmup_epochs=5")
    for made, epochs, expected in (
        (moco, (0, 119, 120, 160), (0.03, 0.03, 0.003, 0.0003)),
        (warm, (1, 5, 200), (0.006, 0.03, 0.0)),
    ):
        optimizer = made.make_optimizer(images=256, epochs=200)
        for epoch, rate in zip(epochs, expected, strict=True):
            optimizer.iterations.assign(epoch)
            assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-7)
    adam = recipe("--method=context_encoder", "--preset=cifar")
    assert adam.make_optimizer(1000, 2).beta_1 == 0.5
    other = ("--optimizer=sgd", "--learning_rate=0.1", "--weight_decay=0")
    changed = recipe("--method=context_encoder", "--preset=cifar", *other)
    assert changed.optimizer_arguments == {}


def test_set_reaches_method_views_and_encoder():
    settings = ("filters=32", "flip=FALSE", "patch_size=16", "stride=8", "norm=none")
    made, model = recipe_and_model(
        "--method=cpc",
        "--encoder=resnet10",
        "--stem=imagenet",
        *(f"--set={setting}" for setting in settings),
    )
    assert made.arguments["filters"] == 32 and made.views["flip"] is False
    assert made.encoder_arguments == {"patch_size": 16, "stride": 8, "norm": "none"}
    assert model.grid_shape == (3, 3)
    # The stem of the flag, not of the patches' size.
    assert any(layer.name == "stem_pool" for layer in model.patch_encoder.layers)


def test_a_shared_name_is_the_methods_and_the_encoders_by_its_prefix():
    made = recipe("--method=dim", "--set=dim=32", "--set=encoder.dim=256")
    assert made.arguments["dim"] == 32 and made.encoder_arguments == {"dim": 256}


def test_unknown_names_list_the_choices_of_all_three():
    with pytest.raises(app.UsageError, match="filters.*crop_scale.*patch_size") as told:
        recipe("--method=cpc", "--set=filter=32")
    assert "Received: 'filter=32'" in str(told.value)
    # By a flag of its own.
    with pytest.raises(app.UsageError, match="NAME=VALUE"):
        recipe("--set=stem=small")


@pytest.mark.parametrize(
    "text, default, value",
    [
        ("false", False, False),
        ("True", False, True),
        ("none", 64, None),
        ("0.5", 1, 0.5),
        ("3", 0.5, 3),
        ("0.2,1", (0.08, 1.0), (0.2, 1)),
        ("[128]", None, [128]),
        ("blocks", "center", "blocks"),
        ("none", "batch", "none"),
    ],
)
def test_values(text, default, value):
    with imported("pretrain", "--workdir=nowhere") as pretrain:
        assert pretrain.settings.value_of(f"x={text}", default) == value
        assert pretrain.settings.value_of("local_layer=conv", None) == "conv"


@pytest.mark.parametrize(
    "text, default",
    [
        ("high", 0.5),
        ("none", 0.5),
        ("maybe", None),
        ("1", False),
        ("true", 1),
        ("0.5", (0.08, 1.0)),
        ("", 1),
    ],
)
def test_values_of_another_kind(text, default):
    with imported("pretrain", "--workdir=nowhere") as pretrain:
        with pytest.raises(ValueError, match="--set=x takes .*Received: .*'"):
            pretrain.settings.value_of(f"x={text}", default)


@pytest.mark.parametrize(
    "method, setting",
    [("cpc", "steps=3"), ("simclr", "num_views=1.5")],
)
def test_what_does_not_fit_is_named(method, setting):
    with pytest.raises(ValueError, match=f"--set={setting} does not fit"):
        recipe_and_model(f"--method={method}", "--encoder=resnet10", f"--set={setting}")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--method=moco", "--set=symmetric=maybe"], "symmetric"),
        (["--method=cpc", "--encoder=context_cnn"], "Encoders that fit: dim_cnn"),
        (["--method=dim", "--stem=small"], "its encoder: dim_cnn takes no stem"),
    ],
)
def test_a_refused_argument_leaves_no_workdir(tmp_path, arguments, message):
    write_npz(tmp_path / "data.npz")
    data = f"--dataset=npz:{tmp_path / 'data.npz'}"
    arguments = (*arguments, data, "--batch_size=16", "--precision=float32")
    with imported("pretrain", f"--workdir={tmp_path / 'w'}", *arguments) as pretrain:
        with pytest.raises(ValueError, match=message):
            pretrain.main()
    assert not (tmp_path / "w").exists()


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
        chosen = pretrain.chosen_recipe
        average = {"use_ema": True, "ema_momentum": 0.9}
        monkeypatch.setattr(
            pretrain,
            "chosen_recipe",
            lambda train: dataclasses.replace(
                chosen(train), optimizer_arguments=average
            ),
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
