import pytest

from tfssl import encoders


def test_the_smallest_image_of_alexnet():
    assert encoders.alexnet(67, width=3).output_shape == (None, 1, 1, 8)
    with pytest.raises(ValueError, match="at least 67.*Received: image_size=66"):
        encoders.alexnet(66)


def test_a_square_may_be_given_as_a_pair():
    for make, side in ((encoders.context_cnn, 32), (encoders.alexnet, 67)):
        pair = make((side, side), width=3).input_shape
        assert pair == make(side, width=3).input_shape == (None, side, side, 3)
        for size in (None, (side, 2 * side)):
            with pytest.raises(ValueError, match="takes square images"):
                make(size, width=3)
