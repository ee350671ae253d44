import pytest

from tfssl.encoders import ENCODERS, encoder


def layer_names(network):
    return {layer.name for layer in network.layers}


# They take long to make.
DEEP = {"resnet101", "resnet152", "sk_resnet101", "sk_resnet152", "vit_large"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.matrix] if name in DEEP else [])
        for name in sorted(ENCODERS)
    ],
)
def test_every_name_makes_its_network(name):
    network = encoder(name, 96 if name == "alexnet" else 32, width=24)
    assert name in network.name
    assert network.input_shape[-1] == 3


def test_arguments_that_do_not_fit_are_named_with_the_networks_that_take_them():
    with pytest.raises(ValueError, match="dim_cnn takes no bottleneck.*: context_cnn"):
        encoder("dim_cnn", 32, bottleneck=8)
    with pytest.raises(ValueError, match="no norm and no bott.*Arguments of alexnet: "):
        encoder("alexnet", 96, norm="split", bottleneck=8)
    with pytest.raises(ValueError, match="one of alexnet, .*Received: 'vit'"):
        encoder("vit", 32)


def test_defaults_go_to_networks_that_take_them():
    defaults = {"bottleneck": 24}
    assert encoder("context_cnn", 32, width=8, defaults=defaults).output_shape[1] == 24
    given = encoder("context_cnn", 32, width=8, defaults=defaults, bottleneck=16)
    assert given.output_shape[1] == 16
    assert encoder("dim_cnn", 32, width=8, defaults=defaults).output_shape[1] != 24


def test_the_stem_goes_by_the_size_unless_it_is_given():
    def pools(size, **kwargs):
        return "stem_pool" in layer_names(encoder("resnet10", size, width=4, **kwargs))

    assert not pools(64) and pools(65)
    assert not pools(32, small_image=32) and pools(33, small_image=32)
    assert not pools((24, 64)) and pools((24, 65))
    assert pools(64, stem="imagenet") and not pools(65, stem="small")
    assert not pools(None, stem="small") and pools(None)
    with pytest.raises(ValueError, match="takes no stem. Encoders that fit: resnet10"):
        encoder("context_cnn", 32, stem="small")
