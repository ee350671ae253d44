"""What methods are made of by name: `make_encoder` and recipes."""

import keras
import pytest
from cases import CASES

import tfssl


@pytest.mark.parametrize("preset", ["digits", "cifar"])
@pytest.mark.parametrize("name", sorted(tfssl.methods.METHODS))
def test_the_recipe_makes_the_method(name, preset):
    """As scripts/pretrain.py does, at an eighth of the width."""
    size = {"digits": 16, "cifar": 32}[preset]
    recipe = tfssl.methods.recipe(name, size, preset)
    method = tfssl.methods.METHODS[name]
    encoder = method.make_encoder(
        recipe.encoder,
        size,
        width=recipe.encoder_width // 8,
        **recipe.encoder_arguments,
    )
    views = method.views_class
    if recipe.views_class:
        views = getattr(tfssl.views, recipe.views_class)
    model = method(encoder, views(size, **recipe.views), **recipe.arguments)
    model.compile(recipe.make_optimizer(1000, 2))
    assert model.encoder.input_shape == (None, size, size, 3)


def test_a_network_that_does_not_fit_is_named_with_those_that_do():
    with pytest.raises(ValueError, match="of alexnet, .*Encoders that fit: dim_cnn, "):
        tfssl.methods.MoCo.make_encoder("alexnet", 96)
    with pytest.raises(ValueError, match="no channels. Encoders that fit: dim_cnn, "):
        tfssl.methods.CMC.make_encoder("context_cnn", 32)
    with pytest.raises(ValueError, match="no bottleneck. Encoders that fit: context_"):
        tfssl.methods.SimCLR.make_encoder("dim_cnn", 32, bottleneck=8)
    with pytest.raises(ValueError, match="no bottleneck. Arguments of resnet18: "):
        tfssl.methods.MoCo.make_encoder("resnet18", 32, bottleneck=8)
    with pytest.raises(ValueError, match="one of alexnet, .*Received: 'vit'"):
        tfssl.methods.SimCLR.make_encoder("vit", 32)


def test_the_stem_goes_by_the_size_unless_it_is_given():
    def stem(method, size, **kwargs):
        network = method.make_encoder("resnet10", size, width=4, **kwargs)
        layers = {layer.name for layer in network._flatten_layers()}
        return "imagenet" if "stem_pool" in layers else "small"

    simclr, cpc = tfssl.methods.SimCLR, tfssl.methods.CPC
    assert stem(simclr, 64) == "small" and stem(simclr, 65) == "imagenet"
    assert stem(simclr, 64, stem="imagenet") == "imagenet"
    # By the size of a patch.
    assert stem(cpc, 96) == "small" and stem(cpc, 192) == "imagenet"
    assert stem(cpc, 96, stem="imagenet") == "imagenet"
    with pytest.raises(ValueError, match="takes no stem. Encoders that fit: resnet10"):
        simclr.make_encoder("context_cnn", 32, stem="small")


def test_the_adversarys_optimizer_and_what_does_without_it(monkeypatch):
    for name, rate, beta in (
        ("context_encoder_adversarial", 2e-4, 0.5),
        ("dim_prior", 1e-4, 0.9),
    ):
        model = CASES[name]()
        if keras.backend.backend() == "tensorflow":
            model.compile("sgd")
            adam = model.adversary_optimizer
            assert float(adam.learning_rate) == pytest.approx(rate)
            assert adam.beta_1 == beta
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        with pytest.raises(ValueError, match=f"--set={model.adversary_weight}=0"):
            model.compile("sgd")
        monkeypatch.undo()
