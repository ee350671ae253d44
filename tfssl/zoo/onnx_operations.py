"""Operations of TensorFlow that tf2onnx does not translate, said in those of ONNX."""

import functools

import numpy as np


@functools.cache
def register():
    """Makes them known to tf2onnx, once."""
    from tf2onnx.handler import tf_op
    from tf2onnx.utils import make_name

    @tf_op("Erfc")
    class Erfc:
        """1 - erf(x), which is in TensorFlow's exact GELU."""

        @classmethod
        def version_9(cls, graph, node, **kwargs):
            inputs, outputs = list(node.input), list(node.output)
            dtype = graph.get_dtype(outputs[0])
            shape = graph.get_shape(outputs[0])
            graph.remove_node(node.name)
            erf = graph.make_node("Erf", inputs, shapes=[shape], dtypes=[dtype])
            one = graph.make_const(make_name("one"), np.ones((), "float32"))
            graph.make_node(
                "Sub",
                [one.output[0], erf.output[0]],
                name=node.name,
                outputs=outputs,
                shapes=[shape],
                dtypes=[dtype],
            )
