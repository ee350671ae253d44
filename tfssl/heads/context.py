"""Context networks of Contrastive Predictive Coding."""

import keras


def context_network(dim, filters, blocks, name="context"):
    """Residual blocks in which no row sees a row below it.

    Args:
        dim: int, width of the features.
        filters: int, width inside a block.
        blocks: int. Each adds one row above and a column on either side to what a
            position sees.
        name: string.

    Returns:
        `keras.Model`, `[batch, rows, columns, dim]` to the same shape.
    """
    relu = keras.layers.ReLU
    inputs = x = keras.Input((None, None, dim))
    for _ in range(blocks):
        y = relu()(keras.layers.Conv2D(filters, 1)(x))
        y = keras.layers.Conv2D(filters, (1, 3), padding="same")(y)
        y = keras.layers.ZeroPadding2D(((1, 0), (0, 0)))(y)
        y = relu()(keras.layers.Conv2D(filters, (2, 1))(y))
        y = keras.layers.Conv2D(dim, 1)(y)
        x = keras.layers.Add()([x, y])
    return keras.Model(inputs, relu()(x), name=name)


def linear_map(input_dim, dim, name):
    """A linear layer without bias at each position of a map.

    Args:
        input_dim, dim: ints, widths of what it takes and gives.
        name: string.

    Returns:
        `keras.Model`, `[batch, rows, columns, input_dim]` to
        `[batch, rows, columns, dim]`.
    """
    return keras.Sequential(
        [
            keras.Input((None, None, input_dim)),
            keras.layers.Dense(dim, use_bias=False, name="linear"),
        ],
        name=name,
    )
