"""lightly's side of benchmarks/reading.py, which starts it in the peer's environment.

Reads turns `[workers]` as lines of JSON, and answers each with the files a second, over
a whole epoch after the first, that lightly's data set and transform make views of.
"""

import sys
import time

import turns


def main():
    import lightly
    import torch
    import torchvision
    from lightly.data import LightlyDataset
    from lightly.transforms import SimCLRTransform

    folder, batch = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    transform = SimCLRTransform(input_size=224, normalize=None)
    files = LightlyDataset(folder, transform=transform)
    turns.answer({m.__name__: m.__version__ for m in (torch, torchvision, lightly)})
    loaders = {}
    for (workers,) in turns.asked():
        if workers not in loaders:
            loaders[workers] = torch.utils.data.DataLoader(
                files,
                batch,
                shuffle=True,
                num_workers=workers,
                drop_last=True,
                # Between epochs they wait, and take no time from another's turn.
                persistent_workers=workers > 0,
            )
            for _ in loaders[workers]:
                pass
        start = time.perf_counter()
        count = sum(len(views[0]) for views, *_ in loaders[workers])
        turns.answer(count / (time.perf_counter() - start))


if __name__ == "__main__":
    main()
