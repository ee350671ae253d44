import pytest

from tfssl import encoders


def test_the_smallest_image_of_alexnet():
    assert encoders.alexnet(67, width=3).output_shape == (None, 1, 1, 8)
    with pytest.raises(ValueError, match="at least 67.*Received: image_size=66"):
        encoders.alexnet(66)
