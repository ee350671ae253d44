"""What methods are made of by name: `make_encoder` and recipes."""

import pytest

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
        stem="small",
        **recipe.encoder_arguments,
    )
    views = method.views_class
    if recipe.views_class:
        views = getattr(tfssl.views, recipe.views_class)
    model = method(encoder, views(size, **recipe.views), **recipe.arguments)
    model.compile(recipe.make_optimizer(1000, 2))
    assert model.encoder.input_shape == (None, size, size, 3)


def test_a_network_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="MoCo cannot make its encoder of dim_cnn"):
        tfssl.methods.MoCo.make_encoder("dim_cnn", 32)
    encoder = tfssl.methods.SimCLR.make_encoder(
        "context_cnn", 32, width=8, stem="small"
    )
    assert encoder.output_shape == (None, 4000)
