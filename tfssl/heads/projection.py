"""Projection and prediction heads."""

import keras

from tfssl.layers import BatchNormalization


def projection_head(
    input_dim,
    widths,
    final_norm=True,
    norm=True,
    final_scale=True,
    final_bias=None,
    initializer="glorot_uniform",
    synchronized=True,
    name="projector",
):
    """Linear layers with batch normalisation and ReLU between them.

    Args:
        input_dim: int, width of the features.
        widths: sequence of ints, the width of each linear layer; the last one is the
            width of the embedding.
        final_norm: bool, whether the embedding is normalised too, by a
            BatchNormalization without beta as in SimCLR. Defaults to True.
        norm: bool, False for a plain MLP with biases and ReLU, as in MoCo v2.
        final_scale: bool, False for a final normalisation without gamma, as in SimSiam
            and MoCo v3. Defaults to True.
        final_bias: bool, whether the last linear layer has a bias. Defaults to None:
            only without `norm`, as all others.
        initializer: initializer of the kernels; each layer takes a copy of it.
        synchronized: bool, whether replicas share their statistics.
        name: string.

    Returns:
        A built `keras.Sequential`, `[batch, input_dim]` to `[batch, widths[-1]]`.

    Raises:
        ValueError: if `widths` is empty or no sequence.

    Example:
        >>> import tfssl
        >>> tfssl.heads.projection_head(512, (512, 128)).output_shape
        (None, 128)

    Source: Chen et al. 2020, arXiv 2002.05709, section 2.1 and 4.2.
    """
    check_widths(widths)
    final_bias = not norm if final_bias is None else final_bias
    layers = [keras.Input((input_dim,))]
    for number, width in enumerate(widths, start=1):
        last = number == len(widths)
        layers.append(
            keras.layers.Dense(
                width,
                use_bias=final_bias if last else not norm,
                kernel_initializer=_own(initializer),
                name=f"linear_{number}",
            )
        )
        if norm and (final_norm or not last):
            layers.append(
                BatchNormalization(
                    center=not last,
                    scale=not last or final_scale,
                    synchronized=synchronized,
                    name=f"norm_{number}",
                )
            )
        if not last:
            layers.append(keras.layers.ReLU(name=f"relu_{number}"))
    return keras.Sequential(layers, name=name)


def _own(initializer):
    # One initializer would give layers of one shape equal numbers.
    shared = isinstance(initializer, keras.initializers.Initializer)
    return initializer.clone() if shared else initializer


def check_widths(widths):
    """Refuses what does not name the width of at least one layer."""
    if not isinstance(widths, (list, tuple)) or not widths:
        raise ValueError(
            "widths must name at least one layer, in a sequence of ints such as "
            f"(512, 128). Received: widths={widths}"
        )


def as_projection_head(head, input_dim, **kwargs):
    """A head given as a model, or as the widths of its layers.

    Args:
        head: built `keras.Model` from `[batch, input_dim]`, or a sequence of ints.
        input_dim: int, width of the features.
        **kwargs: of `projection_head`, for widths.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: if it is neither, or the model takes features of another width.
    """
    if not isinstance(head, keras.Model):
        if not isinstance(head, (list, tuple)):
            raise ValueError(
                "A head must be a keras.Model, or the widths of its layers such as "
                f"({input_dim}, 128). Received: {head!r}"
            )
        return projection_head(input_dim, head, **kwargs)
    if head.input_shape[-1] != input_dim:
        raise ValueError(
            f"The head must take features [batch, {input_dim}]. Received: "
            f"{head.name} with input shape {head.input_shape}"
        )
    return head


def as_predictor(predictor, projector, widths, **kwargs):
    """A head from embeddings to embeddings, as a model or as the widths of its layers.

    Args:
        predictor: `keras.Model` `[batch, d]` to `[batch, d]`, a sequence of ints, or
            None.
        projector: `keras.Model` that gives the embeddings `[batch, d]`.
        widths: sequence of ints, those of the layers before the last one if
            `predictor` is None.
        **kwargs: of `projection_head`, for widths.

    Returns:
        `keras.Model`, named "predictor" if it is made here.

    Raises:
        ValueError: if it gives embeddings of another width.

    Example:
        >>> import tfssl
        >>> projector = tfssl.heads.projection_head(512, (512, 128))
        >>> tfssl.heads.as_predictor(None, projector, widths=(64,)).output_shape
        (None, 128)

    Source: Grill et al. 2020, arXiv 2006.07733, section 3.1.
    """
    dim = projector.output_shape[-1]
    given = (*widths, dim) if predictor is None else predictor
    kwargs = {"final_norm": False, "name": "predictor", **kwargs}
    head = as_projection_head(given, dim, **kwargs)
    if head.output_shape[-1] != dim:
        raise ValueError(
            f"The predictor must give embeddings [batch, {dim}], as the projector. "
            f"Received: predictor={predictor}"
        )
    return head
