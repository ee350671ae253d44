"""Writes torch_zip.pth, torch_legacy.pth: PyTorch's own files, and torch_files.npz.

Needs an environment with torch (made with 2.14):

    python tests/references/make_torch_files.py
"""

import argparse
import pathlib
from collections import OrderedDict

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent


def content():
    torch.manual_seed(0)
    shared = torch.randn(4, 3)
    state = OrderedDict(
        double=torch.randn(2, dtype=torch.float64),
        half=torch.randn(3).half(),
        bfloat=torch.randn(5).bfloat16(),
        counts=torch.arange(-2, 4),
        bools=torch.tensor([True, False, True]),
        scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        shared=shared,
        turned=shared.T,
        part=shared[1:, 1],
        parameter=torch.nn.Parameter(torch.ones(2, 2)),
    )
    linear = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    state.update(linear.state_dict(prefix="net."))
    return {"epoch": 7, "rate": 0.5, "args": argparse.Namespace(a=1), "state": state}


def main():
    saved = content()
    torch.save(saved, FOLDER / "torch_zip.pth")
    torch.save(saved, FOLDER / "torch_legacy.pth", _use_new_zipfile_serialization=False)
    arrays = {
        name: tensor.detach().float().numpy() for name, tensor in saved["state"].items()
    }
    np.savez_compressed(FOLDER / "torch_files.npz", **arrays)


if __name__ == "__main__":
    main()
