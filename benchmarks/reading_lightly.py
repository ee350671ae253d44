"""lightly's side of benchmarks/reading.py, which starts it in the peer's environment.

Reads turns `[workers]` as lines of JSON, and answers each with the files a second that
lightly's data set and SimCLR's transform make views of.
"""

import json
import sys
import time


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
    answer({m.__name__: m.__version__ for m in (torch, torchvision, lightly)})
    for line in sys.stdin:
        (workers,) = json.loads(line)
        loader = torch.utils.data.DataLoader(
            files, batch, shuffle=True, num_workers=workers, drop_last=True
        )
        batches, count = iter(loader), 0
        # What the workers have made ahead is not counted: two batches each.
        for _ in range(2 * workers + 1):
            next(batches)
        start = time.perf_counter()
        for views, *_ in batches:
            count += len(views[0])
        answer(count / (time.perf_counter() - start))


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
