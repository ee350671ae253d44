"""Any keras.Model becomes an encoder: plain Keras, with the weights of the model."""

import keras
import numpy as np
import pytest
from keras import ops
from one_step import images, pretrained_one_step

import tfssl
from tfssl.encoders import adapt, as_encoder, output_of, part


def numpy(x):
    return ops.convert_to_numpy(x)


def token_network():
    """Four patches, of which the first stands for a class token."""
    image = keras.Input((8, 8, 3), name="pixels")
    x = keras.layers.Conv2D(5, 4, 4)(image)
    return keras.Model({"pixels": image}, keras.layers.Reshape((4, 5))(x), name="net")


def two_outputs():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 4, 4)(image)
    outputs = {"map": x, "mean": keras.layers.GlobalAveragePooling2D()(x)}
    return keras.Model(image, outputs, name="net")


@keras.saving.register_keras_serializable("tests")
class SaysNothing(keras.Model):
    """Says neither what it takes nor what it gives."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = keras.layers.Conv2D(filters, 3)

    def call(self, x):
        return self.conv(x)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.applications.MobileNetV3Small(
            (32, 32, 3), include_top=False, weights=None
        ),
        pytest.param(
            lambda: keras.applications.EfficientNetV2B0(
                input_shape=(32, 32, 3), include_top=False, weights=None
            ),
            marks=pytest.mark.matrix,
        ),
    ],
)
def test_keras_applications_are_encoders(make, tmp_path):
    network = make()
    assert as_encoder(network) is network
    pretrained_one_step(network, tmp_path, eagerly=True)
    assert part(adapt(network), "local")


def test_a_subclassed_model(tmp_path):
    model = SaysNothing(4)
    for each in (model, keras.Sequential([keras.layers.Conv2D(4, 3)])):
        with pytest.raises(ValueError, match=r"adapt\(model, image_size=...\).*Rec"):
            as_encoder(each)
        with pytest.raises(ValueError, match=r"does not say its input$"):
            adapt(each)
    encoder = adapt(model, (8, 12))
    assert encoder.input_shape == (None, 8, 12, 3)
    assert encoder.output_shape == (None, 6, 10, 4)
    # Also one that was called, so that Keras knows a first call.
    assert adapt(model, (None, None), pool="mean").output_shape == (None, 4)
    with pytest.raises(ValueError, match="image_size=..."):
        adapt(model)
    x = images(16)
    model(x)
    wider = adapt(model, 16)
    np.testing.assert_array_equal(wider(x), model(x))
    pretrained_one_step(wider, tmp_path, 16)


def test_a_sequential():
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)]
    model = keras.Sequential(layers)
    assert as_encoder(model) is model
    x = images(8)
    np.testing.assert_array_equal(adapt(model)(x), model(x))
    local = output_of(adapt(model), "local")
    assert local.shape == (None, 6, 6, 4)


@pytest.mark.parametrize("pool", [None, "mean", "first"])
def test_tokens_are_averaged_unless_the_first_is_asked_for(pool, tmp_path):
    network = token_network()
    encoder = adapt(network, pool=pool)
    x = images(8)
    tokens = numpy(network({"pixels": x}))
    expected = tokens[:, 0] if pool == "first" else tokens.mean(1)
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-5, atol=1e-5)
    assert output_of(encoder, "tokens").shape == (None, 4, 5)
    assert encoder.name == "net"
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(loaded(x), encoder(x))
    if pool is None:
        np.testing.assert_array_equal(as_encoder(network)(x), encoder(x))


def test_a_method_unpacks_what_needs_no_decision(tmp_path):
    encoder = pretrained_one_step(token_network(), tmp_path, 8)
    assert encoder.input_shape == (None, 8, 8, 3)
    assert encoder.output_shape == (None, 5)
    image = keras.Input((8, 8, 3))
    listed = keras.Model([image], {"map": keras.layers.Conv2D(4, 3)(image)})
    assert as_encoder(listed).output_shape == (None, 6, 6, 4)


def test_pixels_are_scaled_inside():
    image = keras.Input((None, None, 3))
    network = keras.Model(image, keras.layers.Identity()(image))
    x = np.full((1, 2, 2, 3), 127.5, "float32")
    np.testing.assert_allclose(adapt(network)(x), x)
    encoder = adapt(network, scaling=((0.5, 0.4, 0.3), (0.1, 0.2, 0.25)))
    np.testing.assert_allclose(encoder(x)[0, 0, 0], [0, 0.5, 0.8], atol=1e-5)
    plain = adapt(network, scaling=((0,) * 3, (1,) * 3))
    np.testing.assert_allclose(plain(x), x / 255)
    for scaling in (0.5, (0.5, 0.5), ((0.5,) * 3,)):
        with pytest.raises(ValueError, match=r"pair \(mean, std\).*Received: scaling="):
            adapt(network, scaling=scaling)


def test_one_of_several_outputs_is_chosen():
    network = two_outputs()
    x = images(8)
    for output in ("map", "mean"):
        np.testing.assert_array_equal(
            adapt(network, output=output)(x), network(x)[output]
        )
    for refuses in (adapt, as_encoder, tfssl.methods.SimCLR):
        with pytest.raises(ValueError, match=r"adapt\(model, output='mean'\).*'map', "):
            refuses(network)
    with pytest.raises(ValueError, match="one of 'map', 'mean'. Received: output=3"):
        adapt(network, output=3)
    listed = keras.Model(network.input, list(network.output.values()))
    assert adapt(listed, output=1).output_shape == (None, 5)
    with pytest.raises(ValueError, match="one output only. Received: output='map'"):
        adapt(token_network(), output="map")


def test_image_sizes():
    image = keras.Input((None, None, 3))
    network = keras.Model(image, keras.layers.Conv2D(4, 3)(image), name="net")
    assert as_encoder(network) is network
    assert adapt(network).input_shape == (None, None, None, 3)
    assert adapt(network, 8).input_shape == (None, 8, 8, 3)
    assert adapt(network, 8).output_shape == (None, 6, 6, 4)
    with pytest.raises(ValueError, match=r"\(8, 8\). Received: image_size=16"):
        adapt(token_network(), 16)


def test_pools_go_with_the_rank():
    network = two_outputs()
    x = images(8)
    pooled = adapt(network, output="map", pool="mean")(x)
    np.testing.assert_allclose(pooled, network(x)["mean"], rtol=1e-5, atol=1e-5)
    for output, pool in (("map", "first"), ("mean", "mean")):
        with pytest.raises(ValueError, match=f"one of .*Received: pool='{pool}'"):
            adapt(network, output=output, pool=pool)
    with pytest.raises(ValueError, match="one of .*'first'.*Received: pool='max'"):
        adapt(token_network(), pool="max")


@pytest.mark.parametrize(
    "shape, outputs, received",
    [
        ((8, 8, 1), lambda x: x, r"for inputs of shape \(None, 8, 8, 1\)"),
        ((64,), lambda x: x, r"for inputs of shape \(None, 64\)"),
        ((8, 8, 3), lambda x: ops.mean(x, (1, 2, 3)), r"output shape \(None,\)"),
    ],
)
def test_what_is_no_encoder_is_refused(shape, outputs, received):
    image = keras.Input(shape)
    network = keras.Model(image, outputs(image))
    for refuses in (adapt, as_encoder):
        with pytest.raises(ValueError, match=rf"must be a built .*: .*{received}$"):
            refuses(network)


def test_two_inputs_and_no_model_are_refused():
    image, text = keras.Input((8, 8, 3), name="images"), keras.Input((4,), name="text")
    x = keras.layers.Flatten()(image)
    x = keras.layers.Concatenate()([x, text])
    network = keras.Model({"images": image, "text": text}, x)
    for refuses in (adapt, as_encoder):
        with pytest.raises(ValueError, match=r"with the inputs \['images', 'text'\]$"):
            refuses(network)
        with pytest.raises(ValueError, match="keras.Model.*Received: 'resnet18'"):
            refuses("resnet18")
