"""Program: a step in chunks or in parts is the plain step.

    python chunked_steps.py [--eager] [--replicas] CASE ...

Chunks and parts are those of the one step; with `--replicas` two replicas take it.
Without `--eager` the steps are traced, which takes longer than they do. It prints
"equal".
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from tfssl import runs

if __name__ == "__main__":
    if keras.backend.backend() == "tensorflow":
        runs.set_up("float32", virtual_devices=2)

from cases import (
    COMPARED,
    SIZE,
    batch,
    from_recipe,
    images,
    mild_views,
    multi_crop,
    patch_encoder,
    views,
)

import tfssl


def any_size(norm="layer"):
    return tfssl.encoders.resnet10(SIZE, stem="small", width=4, norm=norm)


def cmc():
    """With a bank; each half of an image has a network of its own."""
    half = patch_encoder((SIZE // 2, SIZE), (8,), channels=1)
    other = patch_encoder((SIZE // 2, SIZE), (8,), channels=1)
    return tfssl.methods.CMC(
        tfssl.encoders.split_pair(half, other, SIZE, "halves"),
        mild_views(1),
        contrast="softmax",
        num_images=64,
        negatives=16,
    )


def dino():
    return tfssl.methods.DINO(
        any_size(),
        multi_crop(),
        head=(32, 16),
        prototypes=32,
        # Statistics of the whole batch, in the head.
        head_norm=True,
        freeze_last_layer=0,
    )


def swav():
    return tfssl.methods.SwAV(
        any_size(), multi_crop(), (32, 16), prototypes=16, freeze_prototypes=0
    )


def joint():
    arguments = {"projector": (16, 16)}
    return tfssl.methods.Joint(
        patch_encoder(SIZE), views(), arguments=arguments, num_classes=5
    )


IN_CHUNKS = {
    "byol": lambda: tfssl.methods.BYOL(
        patch_encoder(SIZE), views(), projector=(32, 16), predictor=(32, 16)
    ),
    "cmc": cmc,
    "dino": dino,
    "joint": joint,
    "moco": lambda: tfssl.methods.MoCo(patch_encoder(SIZE), views(), queue_size=64),
    "moco_v3": lambda: tfssl.methods.MoCoV3(
        tfssl.encoders.vit(SIZE, width=16, depth=2, heads=2, drop_path=0.5),
        views(),
        projector=(32, 16),
        predictor=(32, 16),
    ),
    "simclr": lambda: tfssl.methods.SimCLR(patch_encoder(SIZE), views()),
    "swav": swav,
}
# With batch statistics: as of 8 groups, which is how many chunks there are.
NORMALIZED = {
    "simclr_norm": lambda norm: tfssl.methods.SimCLR(any_size(norm), views()),
}
IN_PARTS = {
    "ijepa": lambda: from_recipe("ijepa"),
    "mae": COMPARED["mae_drop_path"],
}


def main(names, with_replicas):
    strategy = runs.strategy("mirrored") if with_replicas else None
    for name in names:
        start, loss, plain = step(name)
        _, loss_of_split, split = step(name, strategy, start, **parts_of(name))
        np.testing.assert_allclose(loss_of_split, loss, rtol=1e-4, err_msg=name)
        moves = [(a - s, b - s) for a, b, s in zip(plain, split, start, strict=True)]
        assert any(np.abs(a).max() > 1e-3 for a, _ in moves), name
        largest = max(difference(b, a) for a, b in moves)
        assert largest < 1e-4, f"{name}: {largest}"
        print(name, f"{largest:.1e}", flush=True)
    print("equal")


def parts_of(name):
    return {"accumulate": 4} if name in IN_PARTS else {"chunk": 4}


def step(name, strategy=None, start=None, **parts):
    """Weights before a step of a model, the loss of its batch in evaluation, after."""
    keras.utils.set_random_seed(0)
    with runs.scope(strategy):
        if name in NORMALIZED:
            model = NORMALIZED[name]("batch" if parts else "split")
        else:
            model = {**IN_CHUNKS, **IN_PARTS}[name]()
        model.compile(keras.optimizers.SGD(1.0))
        model.set_parts(**{"chunk": None, "accumulate": None, **parts})
    if start is not None:
        model.set_weights(start)
    start = model.get_weights()
    made = batch(model, images(16))
    data = {"views": tuple(np.array(view) for view in made.views)}
    if model.needs_index:
        data["index"] = np.array(made.index)
    if model.needs_labels:
        *data["views"], data["labelled"] = data["views"]
        data.update(views=tuple(data["views"]), labels=np.array(made.labels))
    data = tf.nest.map_structure(lambda each: each[None], data)
    data = tf.data.Dataset.from_tensor_slices(data)
    loss = model.evaluate(data, verbose=0, return_dict=True)["loss"]
    model.fit(data, epochs=1, verbose=0)
    return start, loss, model.get_weights()


def difference(move, expected):
    """The largest difference, as a fraction of the largest move."""
    return np.abs(move - expected).max() / max(np.abs(expected).max(), 1e-3)


if __name__ == "__main__":
    tf.config.run_functions_eagerly("--eager" in sys.argv)
    main([a for a in sys.argv[1:] if a[0] != "-"], "--replicas" in sys.argv)
