"""Writes lightly_embeddings.npz: losses on embeddings as lightly computes them.

Needs an environment with torch and lightly (made with 2.13 and 1.6.0, on the CPU):

    python tests/references/make_lightly_embeddings.py

Each loss is computed on the same two views, and its gradient for both. Conventions:

- lightly draws the directions of SIGReg and VISReg itself; here they are given to it.
- Its loss of BYOL and SimSiam is -cos of one direction; ours of BYOL is 2 - 2 cos, and
  that of SimSiam half the sum of both directions.
"""

import pathlib
from unittest import mock

import numpy as np
import torch
from lightly.loss import (
    BarlowTwinsLoss,
    NegativeCosineSimilarity,
    NTXentLoss,
    VICRegLoss,
    lejepa_loss,
    visreg_loss,
)

BATCH, DIM, DIRECTIONS = 7, 5, 6


def main():
    random = np.random.default_rng(0)
    views = random.normal(0.2, [[[1.5]], [[0.4]]], size=(2, BATCH, DIM))
    views[1] += views[0]
    directions = random.normal(size=(DIM, DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    made = {
        "views": views.astype("float32"),
        "directions": directions.astype("float32"),
    }
    given = torch.tensor(made["directions"])
    for name, loss_of in {
        "barlow_twins": BarlowTwinsLoss(lambda_param=0.0051),
        "vicreg": VICRegLoss(),
        "cosine": NegativeCosineSimilarity(),
        "nt_xent": NTXentLoss(temperature=0.2),
        "sigreg": lambda a, b: lejepa_loss.SIGReg(num_vectors=DIRECTIONS)(a),
        "visreg": visreg,
        "invariance": lambda a, b: lejepa_loss.lejepa_invariance_loss(
            all_proj=torch.stack([a, b]), global_proj=torch.stack([a, b])
        ),
    }.items():
        x = torch.tensor(made["views"], requires_grad=True)
        with mock.patch.object(torch, "randn", lambda *size, **kwargs: given.clone()):
            loss = loss_of(x[0], x[1])
        loss.backward()
        made[f"{name}_loss"] = loss.detach().numpy()
        made[f"{name}_gradient"] = x.grad.numpy()
    path = pathlib.Path(__file__).with_name("lightly_embeddings.npz")
    np.savez_compressed(path, **made)


def visreg(a, b):
    parts = visreg_loss.VISRegLoss(num_slices=DIRECTIONS, lambda_param=1.0, eps=1e-6)
    return parts(local_proj=a[None], global_proj=a[None])


if __name__ == "__main__":
    main()
