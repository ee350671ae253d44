import pytest

import tfssl


def test_layers_of_the_paper():
    encoder = tfssl.encoders.dim_cnn(32)
    shapes = {n: encoder.get_layer(n).output.shape[1:] for n in ("local", "conv", "fc")}
    assert shapes == {"local": (8, 8, 128), "conv": (4, 4, 256), "fc": (1024,)}
    for size in (7, None, (None, 32)):
        with pytest.raises(ValueError, match="at least 8 x 8 pixels.*Received"):
            tfssl.encoders.dim_cnn(size)


@pytest.mark.parametrize("norm", tfssl.layers.NORMS)
def test_any_size_channels_and_norm(norm):
    encoder = tfssl.encoders.dim_cnn((8, 12), 4, dim=6, norm=norm, channels=1)
    assert encoder.output_shape == (None, 6)
    kinds = {type(layer).__name__ for layer in encoder.layers}
    assert ("LayerNormalization" in kinds) == (norm == "layer")
    assert encoder.get_layer("fc_linear").use_bias == (norm == "none")
