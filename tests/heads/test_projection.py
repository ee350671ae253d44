import keras
import numpy as np
import pytest

from tfssl.heads import as_projection_head, projection_head


def test_the_head_of_simclr():
    head = projection_head(8, (6, 4))
    kinds = [type(layer).__name__ for layer in head.layers]
    assert kinds == [
        "Dense",
        "BatchNormalization",
        "ReLU",
        "Dense",
        "BatchNormalization",
    ]
    # Linear layers without bias; the last norm without beta.
    shapes = [tuple(w.shape) for w in head.trainable_weights]
    assert shapes == [(8, 6), (6,), (6,), (6, 4), (4,)]
    z = np.asarray(
        keras.ops.convert_to_numpy(
            head(np.random.default_rng(0).normal(size=(32, 8)), training=True)
        )
    )
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(z.std(0), 1, atol=1e-2)


def test_without_a_final_norm_the_embedding_is_linear():
    head = projection_head(8, (4,), final_norm=False)
    x = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    z = keras.ops.convert_to_numpy(head(x))
    np.testing.assert_allclose(z, x @ head.get_weights()[0], rtol=1e-5, atol=1e-6)


def test_a_head_is_a_model_or_widths():
    head = projection_head(8, (4,))
    assert as_projection_head(head, 8) is head
    assert as_projection_head([16, 4], 8).output_shape == (None, 4)
    with pytest.raises(ValueError, match=r"must take features \[batch, 5\]"):
        as_projection_head(head, 5)
    with pytest.raises(ValueError, match="at least one layer"):
        projection_head(8, ())
    for head in (128, "128", None):
        with pytest.raises(ValueError, match="widths of its layers such as"):
            as_projection_head(head, 8)
        with pytest.raises(ValueError, match=f"widths={head}"):
            projection_head(8, head)


def test_layers_of_one_shape_have_kernels_of_their_own():
    one = keras.initializers.RandomNormal(stddev=0.02)
    head = projection_head(8, (8, 8), norm=False, initializer=one)
    first, _, second, _ = head.get_weights()
    assert first.std() > 0.01 and np.abs(first - second).max() > 0.01


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("final_bias", [None, True, False])
def test_the_last_layer_has_a_bias_as_it_is_asked_for(norm, final_bias):
    head = projection_head(8, (6, 4), False, norm, final_bias=final_bias)
    first, *_, last = (
        layer.use_bias for layer in head.layers if hasattr(layer, "use_bias")
    )
    assert first is not norm
    assert last is (not norm if final_bias is None else final_bias)
