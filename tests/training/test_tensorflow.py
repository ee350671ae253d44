import keras
import numpy as np
import pytest
from cases import images, make

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the step on TensorFlow"
)


def test_the_end_of_data_of_unknown_size_is_not_a_step():
    x = images(16)
    known = tf.data.Dataset.from_tensor_slices(x).batch(8)
    unknown = known.filter(lambda batch: True)
    assert unknown.cardinality() == tf.data.UNKNOWN_CARDINALITY
    histories = []
    for data in (known, unknown):
        model = make("simclr", optimizer=keras.optimizers.SGD(0.0))
        histories.append(model.fit(data, epochs=3, verbose=0).history["loss"])
        assert keras.ops.convert_to_numpy(model.step) == 6
        assert keras.ops.convert_to_numpy(model.optimizer.iterations) == 6
    np.testing.assert_allclose(*histories, rtol=1e-5)
