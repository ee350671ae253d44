"""From a name to a compiled model."""

import keras
import numpy as np
import pytest

import tfssl


def recipe(name="simclr", preset="cifar", size=32):
    return tfssl.methods.recipe(name, size, preset)


@pytest.mark.graph
def test_a_recipe_makes_a_compiled_model_that_trains():
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), "uint8")
    chosen = tfssl.methods.recipe("simclr", image_size=16, preset="digits")
    chosen = chosen.set("temperature=0.5", "views.degrees=3").replace(batch_size=16)
    model = chosen.make(num_images=len(images), epochs=2, seed=3)
    assert (model.temperature, model.seed) == (0.5, 3)
    assert model.views.get_config()["degrees"] == 3
    rates = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(logs["learning_rate"])
    )
    size = chosen.batch_size
    model.fit(images, batch_size=size, epochs=2, verbose=0, callbacks=[record])
    # The schedule is as long as the run.
    assert rates[0] > 0 and rates[1] == 0


@pytest.mark.parametrize(
    "name, part", [("simclr", {"chunk": 8}), ("mae", {"accumulate": 4})]
)
def test_a_recipe_says_in_which_parts_a_batch_is_computed(name, part):
    made = recipe(name, "digits", size=16)
    parts = [each.make(300) for each in (made, made.replace(**part))]
    found = [(model.chunk, model.accumulate) for model in parts]
    assert found == [(None, None), (part.get("chunk"), part.get("accumulate"))]


def test_what_the_recipe_of_another_encoder_took_stays_if_it_fits():
    cpc = recipe("cpc", "digits").replace(encoder="resnet18")
    assert cpc.encoder_arguments == {"patch_size": 12, "stride": 2}
    cmc = recipe("cmc", "digits").replace(encoder="resnet34")
    assert cmc.encoder_arguments == {"split": "halves"}
    changed = recipe("context_encoder").replace(encoder="resnet18", encoder_width=4)
    assert changed.encoder_arguments == {}
    assert changed.make(num_images=128).encoder.name == "resnet18w4"


def test_an_encoder_of_another_kind_has_its_own_width():
    digits = recipe("simclr", "digits")
    assert digits.encoder_width == digits.replace(encoder="resnet18").encoder_width
    vit = digits.replace(encoder="vit_tiny")
    assert vit.encoder_width is None and vit.own_width == 192
    assert "vit_tiny of width 192" in tfssl.methods.summary(vit, 1000)
    assert digits.replace(encoder="vit_tiny", encoder_width=8).encoder_width == 8
    model = vit.set("depth=1").make(num_images=128)
    assert model.feature_dim == 192


def test_another_schedule_or_optimizer_than_the_papers():
    moco = recipe("moco_v1", "paper")
    assert moco.milestones == (0.6, 0.8)
    warm = moco.replace(warmup_epochs=5)
    for made, epochs, expected in (
        (moco, (0, 119, 120, 160), (0.03, 0.03, 0.003, 0.0003)),
        (warm, (1, 5, 200), (0.006, 0.03, 0.0)),
    ):
        optimizer = made.make_optimizer(num_images=256, epochs=200)
        for epoch, rate in zip(epochs, expected, strict=True):
            optimizer.iterations.assign(epoch)
            assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-7)
    adam = recipe("context_encoder")
    assert adam.make_optimizer(1000, 2).beta_1 == 0.5
    other = {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0}
    assert adam.replace(**other).optimizer_arguments == {}
    with pytest.raises(ValueError, match="learning_rate and weight_decay.*'sgd'"):
        adam.replace(optimizer="sgd")


def test_the_rates_of_simclrs_papers_grow_with_the_root_of_the_batch():
    # Table B.1 of the first paper: .075 and .1 times the square root of the batch.
    for name, factor in (("simclr", 0.075), ("simclr_v2", 0.1)):
        paper = recipe(name, "paper")
        for batch in (256, 1024, 4096):
            made = paper.replace(batch_size=batch, warmup_epochs=0)
            rate = float(made.make_optimizer(10_000, 2).learning_rate)
            assert rate == pytest.approx(factor * batch**0.5, rel=1e-5)
    other = {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0}
    assert paper.replace(**other).rate_scaling is None
    with pytest.raises(ValueError, match="scaling must be None or one of"):
        paper.replace(rate_scaling="cubic").make_optimizer(10_000)


@pytest.mark.parametrize("epochs", [20, 40, 800])
def test_the_warm_up_of_simclr_v2_is_a_twentieth_of_any_run(epochs):
    paper = recipe("simclr_v2", "paper")
    made = paper.replace(batch_size=256, epochs=epochs)
    assert not [said for said in tfssl.methods.concerns(made, 25_600) if "warm" in said]
    optimizer = made.make_optimizer(num_images=25_600)
    optimizer.iterations.assign(epochs * 100 // 20)
    assert float(optimizer.learning_rate) == pytest.approx(1.6, rel=1e-3)
    optimizer.iterations.assign(epochs * 100 // 40)
    assert float(optimizer.learning_rate) == pytest.approx(0.8, rel=1e-3)
    assert made.replace(warmup_epochs=3).warmup() == 3
    kept = type(made).from_dict(made.to_dict())
    assert kept.warmup() == epochs / 20


def test_a_run_of_no_epochs_has_an_optimizer():
    made = recipe("dino").make_optimizer(10_000, epochs=0)
    assert float(made.weight_decay) == pytest.approx(0.04)


def test_a_record_from_before_means_a_linear_rate_and_epochs_of_warm_up():
    values = recipe("simclr_v2", "paper").replace(learning_rate=0.4).to_dict()
    values |= {"warmup_epochs": 40}
    del values["rate_scaling"], values["warmup_fraction"]
    old = tfssl.methods.Recipe.from_dict(values)
    assert (old.warmup(), old.rate_scaling) == (40, None)


def test_set_reaches_method_views_and_encoder():
    made = recipe("cpc").replace(encoder="resnet10", encoder_width=4)
    made = made.set("filters=32", "flip=FALSE", "patch_size=16", "stride=8")
    made = made.set("norm=none", "stem=imagenet")
    assert made.arguments["filters"] == 32 and made.views["flip"] is False
    assert made.encoder_arguments["patch_size"] == 16
    model = made.make(num_images=64)
    assert model.grid_shape == (3, 3)
    # The stem that was set, not that of the patches' size.
    assert any(layer.name == "stem_pool" for layer in model.patch_encoder.layers)


def test_a_shared_name_is_the_methods_and_the_encoders_by_its_prefix():
    made = recipe("dim").set("dim=32", "encoder.dim=256")
    assert made.arguments["dim"] == 32 and made.encoder_arguments == {"dim": 256}


def test_unknown_names_list_the_choices_of_all_three():
    with pytest.raises(ValueError, match="filters.*crop_scale.*patch_size") as told:
        recipe("cpc").set("filter=32")
    assert str(told.value).endswith("Received: 'filter=32'")
    # By a field of its own.
    with pytest.raises(ValueError, match="NAME=VALUE"):
        recipe().set("width=8")


@pytest.mark.parametrize(
    "name, setting", [("cpc", "steps=3"), ("simclr", "num_views=1.5")]
)
def test_what_does_not_fit_is_named(name, setting):
    made = recipe(name).replace(encoder="resnet10", encoder_width=4).set(setting)
    with pytest.raises(ValueError, match=f"^{setting} does not fit"):
        made.make(num_images=300)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: recipe("simclr3"), "method must be one of .*byol"),
        (lambda: recipe(preset="small"), "preset must be auto or one of .*cifar"),
        (lambda: recipe().make(num_images=100), "more than the 100 images"),
        (lambda: recipe().replace(encoder="vit").set("blur=true"), "sk_resnet152"),
        (
            lambda: recipe("dim").set("stem=small").make(num_images=300),
            "dim cannot make its encoder: dim_cnn takes no stem",
        ),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_recipe_is_written_down_as_plain_values():
    import json

    made = recipe("byol").set("blur=true")
    written = json.loads(json.dumps(made.to_dict()))
    copy = tfssl.methods.Recipe.from_dict({**written, "workdir": "elsewhere"})
    assert json.loads(json.dumps(copy.to_dict())) == written
    assert copy.arguments["momentum"] == tfssl.optimizers.Cosine(0.98, 1.0)
    assert written["method"] == "byol" and written["preset"] == "cifar"
    assert written["views"]["blur"] is True and written["image_size"] == 32


@pytest.mark.matrix
@pytest.mark.parametrize("name", sorted(tfssl.methods.METHODS))
@pytest.mark.parametrize("num_images", [60, 300, 9469])
def test_photos_suit_their_number(name, num_images):
    made = tfssl.methods.recipe(name, image_size=96, num_images=num_images)
    assert made.preset == "photos"
    steps = num_images // made.batch_size
    assert steps >= 30 or made.batch_size == 16
    assert made.warmup_epochs <= made.epochs / 10
    assert made.arguments.get("queue_size", 0) <= max(num_images / 2, made.batch_size)
    if num_images > 160:
        assert tfssl.methods.concerns(made, num_images) == []
    if num_images == 300:
        model = made.replace(encoder_width=4).make(num_images)
        assert model.encoder.input_shape == (None, 96, 96, 3)


@pytest.mark.parametrize("name", sorted(tfssl.methods.METHODS))
def test_the_papers_networks_have_their_published_width(name):
    made = tfssl.methods.recipe(name, 224, "paper")
    assert made.encoder_width in (None, made.own_width)


def test_photos_need_their_number():
    with pytest.raises(ValueError, match="Give num_images"):
        tfssl.methods.recipe("simclr", 96, "photos")


def test_concerns():
    few = recipe().replace(batch_size=100, warmup_epochs=3, epochs=10)
    left_out, warmup = tfssl.methods.concerns(few, num_images=1080)
    assert "leaves out 80 of 1,080" in left_out and "3 of 10 epochs" in warmup
    assert "only 1 step:" in tfssl.methods.concerns(few, num_images=150)[0]
    # Milestones take the place of a warm-up.
    falls = few.replace(milestones=(0.5,))
    assert tfssl.methods.concerns(falls, num_images=1000) == []


def test_photos_of_more_than_32_pixels_begin_with_the_stem_of_imagenet():
    def stem(size, **changes):
        made = tfssl.methods.recipe("simclr", size, num_images=300).replace(**changes)
        return made.encoder_arguments.get("stem")

    assert (stem(32), stem(64)) == ("small", "imagenet")
    assert stem(64, encoder="dim_cnn") is None
