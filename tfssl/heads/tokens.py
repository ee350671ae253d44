"""Transformers that predict the patches that an encoder did not see."""

import keras
from keras import ops

from tfssl.layers import TransformerBlock, sincos_positions, xavier


class TokenPredictor(keras.layers.Layer):
    """From tokens of the patches seen to predictions at the places of others.

    All tokens are narrowed or widened, and get fixed positions; a learned token stands
    for each patch that is asked for. Tokens may come in any order, since their position
    says where they are.

    Args:
        grid: pair of ints, rows and columns of patches.
        input_dim: int, width of the tokens.
        width, depth, heads: ints, of the transformer.
        output_dim: int, width of a prediction.
        class_token: bool, whether the first token is no patch; it has no position.
            Defaults to False.
        name: string.

    Call arguments:
        tokens: `[batch, seen, input_dim]`, and the class token first if there is one.
        seen: int `[batch, seen]`, the patches of the tokens, counted row by row.
        asked: int `[batch, asked]`, the patches to predict.
        attended: bool `[batch, tokens + asked]`, which of them the others see. Defaults
            to None, all.

    Returns:
        float32 `[batch, asked, output_dim]`.

    Example:
        >>> import numpy as np, tfssl
        >>> predictor = tfssl.heads.TokenPredictor((2, 2), 8, 16, 1, 2, output_dim=12)
        >>> seen, asked = np.array([[0]]), np.array([[1, 3]])
        >>> tuple(predictor(np.ones((1, 1, 8), "float32"), seen, asked).shape)
        (1, 2, 12)

    Source: the decoder of He et al. 2021, arXiv 2111.06377, and the predictor of Assran
    et al. 2023, arXiv 2301.08243.
    """

    def __init__(
        self,
        grid,
        input_dim,
        width,
        depth,
        heads,
        output_dim,
        class_token=False,
        name="predictor",
    ):
        super().__init__(name=name)
        self.class_token = class_token
        self.positions = sincos_positions(*grid, width)
        self.mask_token = self.add_weight(
            shape=(1, 1, width),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="mask_token",
        )
        self.embedding = keras.layers.Dense(
            width, kernel_initializer=xavier(input_dim, width), name="embedding"
        )
        self.transformer = [
            TransformerBlock(heads, name=f"block_{number + 1}")
            for number in range(depth)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")
        self.prediction = keras.layers.Dense(
            output_dim,
            kernel_initializer=xavier(width, output_dim),
            dtype="float32",
            name="prediction",
        )
        self.embedding.build((None, None, input_dim))
        for layer in (*self.transformer, self.norm, self.prediction):
            layer.build((None, None, width))
        self.built = True

    def call(self, tokens, seen, asked, attended=None, training=False):
        x = self.embedding(tokens)
        positions = ops.cast(self.positions, x.dtype)
        at_seen = ops.take(positions, seen, axis=0)
        if self.class_token:
            at_seen = ops.pad(at_seen, ((0, 0), (1, 0), (0, 0)))
        masks = self.mask_token + ops.take(positions, asked, axis=0)
        x = ops.concatenate([x + at_seen, ops.cast(masks, x.dtype)], axis=1)
        for block in self.transformer:
            x = block(x, attended=attended, training=training)
        return self.prediction(self.norm(x[:, -asked.shape[1] :]))
