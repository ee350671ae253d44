"""Runs that go on where they were: how far they are, and what they end with."""


def newest_checkpoint(workdir):
    """(epoch, step) of the newest checkpoint; of the start if there is none."""
    names = [path.stem for path in (workdir / "checkpoints").glob("epoch-*.json")]
    places = [tuple(map(int, name.split("-")[1::2])) for name in names]
    return max(places, default=(0, 0))


def same_weights(*workdirs):
    """Whether two runs ended in the same encoder, to the bit."""
    import keras
    import numpy as np

    import tfssl  # noqa: F401, the encoder's layers

    models = [
        keras.saving.load_model(workdir / "encoder.keras", compile=False)
        for workdir in workdirs
    ]
    return all(
        np.array_equal(a, b)
        for a, b in zip(*(model.get_weights() for model in models), strict=True)
    )
