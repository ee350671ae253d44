"""What methods are made of by name, by their recipes, and how they train."""

import cases
import keras
import numpy as np
import pytest
from keras import ops

import tfssl
from tfssl.methods import cpc

pytestmark = pytest.mark.usefixtures("eager")


def make(name, preset, size, **narrow):
    """The recipe's model at an eighth of the width."""
    recipe = tfssl.methods.recipe(name, size, preset)
    arguments = {**recipe.arguments, **narrow}
    width = (recipe.encoder_width or recipe.own_width) // 8
    small = recipe.replace(encoder_width=width, arguments=arguments)
    model = small.make(num_images=1_281_167)
    assert model.encoder.input_shape == (None, size, size, 3)
    return recipe, model


@pytest.mark.matrix
@pytest.mark.parametrize("preset, size", [("digits", 16), ("cifar", 32)])
@pytest.mark.parametrize("name", sorted(tfssl.methods.METHODS))
def test_the_recipe_makes_the_method(name, preset, size):
    make(name, preset, size)


# Image size, encoder, batch and peak learning rate; what makes the model small.
PAPERS = {
    "byol": (224, "resnet50", 4096, 3.2, {"projector": (8, 8), "predictor": (8, 8)}),
    "cmc": (224, "resnet50", 128, 0.03, {"num_images": 64}),
    "context_encoder": (128, "context_cnn", 64, 2e-3, {"width": 8}),
    "cpc": (260, "resnet50", 512, 4e-4, {"filters": 8, "blocks": 1}),
    "dim": (32, "dim_cnn", 64, 1e-4, {"units": 64}),
    "ijepa": (
        224,
        "vit_base",
        2048,
        1e-3,
        {"predictor_width": 16, "predictor_depth": 1},
    ),
    "mae": (224, "vit_base", 4096, 2.4e-3, {"decoder_width": 16, "decoder_depth": 1}),
    "moco_v1": (224, "resnet50", 256, 0.03, {"queue_size": 256}),
    "moco_v2": (224, "resnet50", 256, 0.03, {"queue_size": 256}),
    "simclr": (224, "resnet50", 4096, 4.8, {}),
    "simclr_v2": (224, "sk_resnet50", 4096, 6.4, {}),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", PAPERS)
def test_the_recipe_of_the_paper_makes_the_method(name):
    size, encoder, batch, rate, narrow = PAPERS[name]
    recipe, model = make(name, "paper", size, **narrow)
    assert (recipe.encoder, recipe.batch_size) == (encoder, batch)
    # At the end of the warm-up.
    steps = round(recipe.warmup() * (1_281_167 // batch))
    model.optimizer.iterations.assign(steps)
    assert float(model.optimizer.learning_rate) == pytest.approx(rate, rel=0.02)
    if "resnet50" in encoder:
        # 2048 at the full width; CMC has two of half the width.
        assert model.feature_dim == 2048 // 8
    if name == "cpc":
        assert model.grid_shape == (6, 6) and model.steps == [3, 4, 5]


@pytest.mark.matrix
@pytest.mark.parametrize(
    "name, size", [("context_encoder", 96), ("cpc", 96), ("cpc", 256), ("dim", 256)]
)
def test_photos_of_another_size_than_the_papers_get_a_network_that_fits(name, size):
    _, model = make(name, "auto", size, **PAPERS[name][-1])
    if name == "cpc":
        assert model.grid_shape == (7, 7) and model.steps == [2, 3, 4, 5, 6]
    # Not one that connects every pixel with every other.
    assert model.encoder.count_params() < 5_000_000


def test_a_network_that_does_not_suit_the_method_is_refused_in_its_name():
    moco, cmc = (tfssl.methods.recipe(name, 32, "cifar") for name in ("moco_v2", "cmc"))
    message = "moco_v2 cannot make its encoder: alexnet takes no norm. Encoders that"
    with pytest.raises(ValueError, match=message):
        moco.replace(encoder="alexnet", encoder_arguments={"norm": "split"}).make(300)
    with pytest.raises(ValueError, match="no channels. Encoders that fit: dim_cnn, "):
        cmc.replace(encoder="context_cnn").make(num_images=300)


def test_cpc_takes_the_stem_by_the_size_of_a_patch():
    def patch_layers(size, **kwargs):
        network = cpc.make_encoder("resnet10", size, width=4, **kwargs)
        return {layer.name for layer in network._flatten_layers()}

    assert "stem_pool" not in patch_layers(96)
    assert "stem_pool" in patch_layers(192)
    assert "stem_pool" in patch_layers(96, stem="imagenet")


def test_the_adversarys_optimizer_and_what_does_without_it(monkeypatch):
    for name, rate, beta in (
        ("context_encoder_adversarial", 2e-4, 0.5),
        ("dim", 1e-4, 0.9),
    ):
        model = cases.CASES[name]()
        if keras.backend.backend() == "tensorflow":
            model.compile("sgd")
            adam = model.adversary_optimizer
            assert float(adam.learning_rate) == pytest.approx(rate)
            assert adam.beta_1 == beta
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        with pytest.raises(ValueError, match=f"--set={model.adversary_weight}=0"):
            model.compile("sgd")
        monkeypatch.undo()


class Fixed(keras.utils.PyDataset):
    """The same ready-made views in each of some steps."""

    def __init__(self, views, steps=1):
        super().__init__()
        self.views, self.steps = tuple(ops.convert_to_numpy(v) for v in views), steps

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        return {"views": self.views}


def small_cpc():
    """That of the contract takes long to trace."""
    keras.utils.set_random_seed(0)
    encoder = tfssl.encoders.patch_grid(cases.patch_encoder(), cases.SIZE, stride=2)
    options = {"steps": [2], "filters": 8, "blocks": 1}
    return tfssl.methods.CPC(encoder, cases.one_view(), **options)


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["cpc", "moco_v1", "simclr"])
def test_eager_and_compiled_steps_are_the_same(name):
    losses, models = [], []
    for run_eagerly in (True, False):
        model = small_cpc() if name == "cpc" else cases.make(name)
        model.compile(tfssl.optimizers.SGD(0.05), run_eagerly=run_eagerly)
        views = cases.batch(model, cases.images(16)).views
        losses += model.fit(Fixed(views), verbose=0).history["loss"]
        models.append(model)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for a, b in zip(*(model.weights for model in models), strict=True):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.graph
def test_one_batch_is_learned_by_heart():
    """8 images and their negatives.

    The least that they can cost is when each image is where its negative is and all
    are equally far from each other: log(1 + 14 exp((-1 / 7 - 1) / 0.2)) = 0.045.
    """
    model = cases.make("simclr", optimizer=keras.optimizers.Adam(1e-2))
    view = cases.images(8).astype("float32")
    views = (view, 255 - view)
    made = tfssl.methods.Batch(views)
    before = float(model.views_loss(made)[0])
    model.fit(Fixed(views, steps=40), verbose=0)
    after = float(model.views_loss(made)[0])
    assert before > 2 and 0.045 < after < 0.1


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["byol", "dino", "ijepa"])
def test_what_is_evaluated_is_what_is_saved(name, tmp_path):
    """Of DINO and I-JEPA that is the teacher, of BYOL the student."""
    run = tfssl.runs.Workdir(tmp_path / "run", {"name": name})
    model = cases.make(name)
    for w in model.teacher.networks[0].weights[:1]:
        w.assign(np.random.default_rng(0).normal(0, 0.3, w.shape))
    run.finish(model)
    saved = keras.saving.load_model(tmp_path / "run" / "encoder.keras")
    assert saved.name == model.encoder.name and len(saved.trainable_variables) > 0
    student, teacher, evaluated, loaded = (
        tfssl.transfer.features(each, cases.images())
        for each in (model.encoder, model.teacher.networks[0], model, saved)
    )
    assert np.abs(student - teacher).max() > 1e-3
    expected = student if name == "byol" else teacher
    np.testing.assert_allclose(evaluated, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loaded, expected, rtol=1e-4, atol=1e-5)
