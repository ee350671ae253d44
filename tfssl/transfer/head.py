"""Encoders that keep the first layers of their projector."""

import keras


def with_head(encoder, projector, layer=1):
    """An encoder with the first layers of its projector on top.

    SimCLR v2 fine-tunes from a middle layer of the head when labels are few. The
    rest of the projector is no part of the result: it is neither trained nor saved.

    Args:
        encoder: `keras.Model` from images to features.
        projector: `keras.Model` of `tfssl.heads.projection_head`, from these features.
        layer: int, linear layers of the projector to keep, each with the normalisation
            and ReLU that follow it; 0 for the encoder alone. Defaults to 1.

    Returns:
        `keras.Model` from images to features. It shares its weights with the two.

    Raises:
        ValueError: if the projector has no such layer, or takes features of another
            width.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> projector = tfssl.heads.projection_head(32, (24, 24, 8))
        >>> tfssl.transfer.with_head(encoder, projector, layer=2).output_shape
        (None, 24)

    Source: Chen et al. 2020, arXiv 2006.10029, section 2 and figure 4.
    """
    steps = getattr(projector, "layers", [])
    starts = [i for i, s in enumerate(steps) if isinstance(s, keras.layers.Dense)]
    if not 0 <= layer <= len(starts):
        raise ValueError(
            f"layer must be from 0 to {len(starts)}, the linear layers of the "
            f"projector. Received: layer={layer}"
        )
    if projector.input_shape[-1] != encoder.output_shape[-1]:
        raise ValueError(
            f"The projector takes features of {projector.input_shape[-1]}, and the "
            f"encoder gives {encoder.output_shape[-1]}. Received: {projector.name}, "
            f"{encoder.name}"
        )
    if layer == 0:
        return encoder
    end = starts[layer] if layer < len(starts) else len(steps)
    images = keras.Input(encoder.input_shape[1:], name="images")
    x = encoder(images)
    if len(x.shape) == 4:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    for step in steps[:end]:
        x = step(x)
    return keras.Model(images, x, name=f"{encoder.name}_head{layer}")
