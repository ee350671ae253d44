import numpy as np
import pytest
from cases import batch, encoder, images, make
from keras import ops

import tfssl
from tfssl import losses


def numpy(x):
    return ops.convert_to_numpy(x)


def test_without_a_queue_it_is_simclr_with_a_deeper_head():
    model = make("simclr_v2")
    widths = [
        layer.units for layer in model.projector.layers if hasattr(layer, "units")
    ]
    assert widths == [128, 128, 64]
    made = batch(model, images())
    simclr = tfssl.methods.SimCLR(
        model.encoder, model.views, model.projector, temperature=model.temperature
    )
    loss = float(model.views_loss(made)[0])
    assert loss == pytest.approx(float(simclr.views_loss(made)[0]), rel=1e-5)


def test_with_a_queue_each_view_finds_the_key_of_the_other():
    model = make("simclr_v2_queue")
    queue = numpy(model.queue.rows)
    made = batch(model, images())
    loss, _ = model.views_loss(made)
    # Key networks that start as copies and normalise with the same batch give the
    # embeddings themselves.
    both = np.concatenate([numpy(v) for v in made.views])
    z = model.projector(model.features(both, training=True), training=True)
    z = numpy(losses.l2_normalize(z)).astype("float64")
    total = 0.0
    for i in range(64):
        other = z[(i + 32) % 64]
        scores = np.exp(np.array([z[i] @ other, *(queue @ z[i])]) / 0.2)
        total -= np.log(scores[0] / scores.sum()) / 64
    assert float(loss) == pytest.approx(total, rel=1e-4)
    np.testing.assert_allclose(numpy(model.queue.rows)[:64], z, atol=1e-5)
    np.testing.assert_array_equal(numpy(model.queue.rows)[64:], queue[64:])


def test_a_queue_smaller_than_the_batch_is_refused():
    model = tfssl.methods.SimCLRv2(encoder(), queue_size=8)
    with pytest.raises(ValueError, match="Received: 16 rows"):
        model.check_batch(16)


def test_the_teacher_moves_towards_the_projector():
    model = make("simclr_v2_queue")
    for w in model.projector.weights:
        w.assign(w + 1.0)
    old = model.teacher.networks[1].get_weights()
    online = model.projector.get_weights()
    model.views_loss(batch(model, images()))
    new = model.teacher.networks[1].get_weights()
    for i, weight in enumerate(model.projector.weights):
        if weight.trainable:
            moved, way = new[i] - old[i], online[i] - old[i]
            np.testing.assert_allclose(moved, 0.1 * way, atol=1e-6)


def test_a_selective_kernel_mixes_two_convolutions():
    net = tfssl.encoders.sk_resnet50(32, stem="small", width=8)
    names = [layer.name for layer in net.layers]
    assert "stage1_block1_2_squeeze_conv" in names
    # The same 3x3 kernel twice over, and a bottleneck of at least 32 for the choice.
    assert net.get_layer("stage1_block1_2_conv").filters == 16
    assert net.get_layer("stage1_block1_2_squeeze_conv").filters == 32
    assert net.get_layer("stage1_block1_2_scores_conv").filters == 16
    assert net(images(2).repeat(2, 1).repeat(2, 2)).shape == (2, 256)
    with pytest.raises(ValueError, match="bottleneck"):
        tfssl.encoders.resnet18(32, selective_kernels=True)


def test_equal_scores_give_the_average_of_both_branches():
    import keras

    net = tfssl.encoders.sk_resnet50(32, stem="small", width=8)
    net.get_layer("stage1_block1_2_scores_conv").kernel.assign(np.zeros((1, 1, 32, 16)))
    branches = net.get_layer("stage1_block1_2_relu").output
    after = net.get_layer("stage1_block1_3_conv").input
    both, mixed = keras.Model(net.input, [branches, after])(
        np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    )
    both = numpy(both)
    np.testing.assert_allclose(
        numpy(mixed), (both[..., :8] + both[..., 8:]) / 2, atol=1e-6
    )


@pytest.mark.parametrize(
    "layer, dim, kept", [(0, 128, 0), (1, 24, 3), (2, 20, 6), (3, 8, 8)]
)
def test_the_middle_of_the_head(layer, dim, kept):
    model = tfssl.methods.SimCLRv2(encoder(), projector=(24, 20, 8))
    start = tfssl.transfer.with_head(model.encoder, model.projector, layer)
    assert start.output_shape == (None, dim)
    own = len(model.encoder.trainable_weights)
    assert len(start.trainable_weights) == own + kept
    h = model.encoder(images(4).astype("float32"))
    for step in model.projector.layers[: 3 * layer]:
        h = step(h)
    np.testing.assert_allclose(
        numpy(start(images(4).astype("float32"))), numpy(h), atol=1e-5
    )
    if 0 < layer < 3:
        assert numpy(h).min() == 0  # after the ReLU


def test_a_layer_that_is_not_there():
    model = make("simclr_v2")
    with pytest.raises(ValueError, match="from 0 to 3"):
        tfssl.transfer.with_head(model.encoder, model.projector, 4)
    with pytest.raises(ValueError, match="takes features of 7"):
        tfssl.transfer.with_head(
            model.encoder, tfssl.heads.projection_head(7, (4, 4)), 1
        )
