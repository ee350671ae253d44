"""lightly's side of benchmarks/views.py, which starts it in the peer's environment.

Reads turns `[side, source, batch, workers, seconds]` as lines of JSON, and answers each
with the images a second that lightly's SimCLR transform makes views of.
"""

import time

import turns


def main():
    import lightly
    import PIL
    import torch
    import torchvision

    versions = {m.__name__: m.__version__ for m in (torch, torchvision, lightly, PIL)}
    torch.set_num_threads(1)
    turns.answer(versions)
    kept = {}
    for *row, seconds in turns.asked():
        row = tuple(row)
        if row not in kept:
            kept[row] = loader(*row)
        turns.answer(turn(kept[row], row[2], row[3], seconds))


def loader(side, source, batch, workers):
    """Batches of views without end."""
    import numpy as np
    import torch
    from lightly.transforms import SimCLRTransform
    from PIL import Image

    # As ours: float views without the encoder's scaling, blur at every size.
    transform = SimCLRTransform(input_size=side, normalize=None)
    shape = (batch, source, source, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    images = [Image.fromarray(image) for image in pixels]

    class Endless(torch.utils.data.Dataset):
        def __len__(self):
            return 10**9

        def __getitem__(self, index):
            return transform(images[index % batch])

    return torch.utils.data.DataLoader(Endless(), batch_size=batch, num_workers=workers)


def turn(loader, batch, workers, seconds):
    """Images a second, once the workers run."""
    batches = iter(loader)
    # What the workers have made ahead is not counted: two batches each.
    for _ in range(2 * workers + 1):
        next(batches)
    start, count = time.perf_counter(), 0
    while (past := time.perf_counter() - start) < seconds or count < max(workers, 1):
        next(batches)
        count += 1
        past = time.perf_counter() - start
    return count * batch / past


if __name__ == "__main__":
    main()
