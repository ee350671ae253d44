import pytest

import tfssl
from tfssl import heads


@pytest.mark.parametrize(
    "shape, size", [((16,), 64), ((6, 6, 8), 227), ((4, 4, 8), 32)]
)
def test_decoders_give_the_size_that_is_asked(shape, size):
    assert heads.decoder(shape, size, 4).output_shape == (None, size, size, 3)
    assert heads.discriminator(size, 4).output_shape == (None, 1)


def test_networks_of_the_paper():
    """E, G and D of the central hole: 128 to 4000 to 64."""
    encoder = tfssl.encoders.context_cnn(128)
    convs = [w.shape for w in encoder.weights if w.path.endswith("kernel")]
    assert [s[-1] for s in convs] == [64, 64, 128, 256, 512, 4000]
    generator = heads.decoder((4000,), 64, 64)
    convs = [w.shape for w in generator.weights if w.path.endswith("kernel")]
    # Transposed kernels: [height, width, out, in].
    assert [s[-2] for s in convs] == [512, 256, 128, 64, 3]
    convs = [
        w.shape[-1] for w in heads.discriminator(64, 64).weights if "kernel" in w.path
    ]
    assert convs == [64, 128, 256, 512, 1]
