"""Writes lightly_clustering.npz: losses of SwAV and DINO as lightly computes them.

Needs an environment with torch and lightly (made with 2.13 and 1.6.0, on the CPU):

    python tests/references/make_lightly_clustering.py

Conventions that differ from ours:

- lightly divides scores and outputs by the temperature itself; ours take logits.
- Its queue's scores are appended to those of the batch; ours are an argument.
- Its kernels are `[out, in]`; they are written down as `[in, out]`.
- Its centre is `[1, 1, prototypes]`, and the loss moves it.
"""

import pathlib

import numpy as np
import torch
from lightly.loss import DINOLoss, SwaVLoss
from lightly.loss.swav_loss import sinkhorn
from lightly.models.modules import DINOProjectionHead

BATCH, PROTOTYPES, VIEWS, QUEUE = 6, 10, 5, 8


def swav(random):
    scores = np.tanh(random.normal(size=(VIEWS, BATCH, PROTOTYPES)))
    queue = np.tanh(random.normal(size=(2, QUEUE, PROTOTYPES)))
    scores, queue = scores.astype("float32"), queue.astype("float32")
    yield "scores", scores
    yield "queue", queue
    for iterations in (1, 3, 20):
        code = sinkhorn(torch.tensor(scores[0]), iterations=iterations)
        yield f"code_{iterations}", code.numpy()
    both = torch.tensor(np.concatenate([scores[0], queue[0]]))
    yield "code_with_queue", sinkhorn(both)[:BATCH].numpy()
    for name, past in (("", None), ("_with_queue", list(torch.tensor(queue)))):
        views = torch.tensor(scores, requires_grad=True)
        loss = SwaVLoss(temperature=0.2, sinkhorn_epsilon=0.1)(
            list(views[:2]), list(views[2:]), past
        )
        loss.sum().backward()
        yield f"swav_loss{name}", loss.detach().numpy()[0]
        yield f"swav_gradient{name}", views.grad.numpy()


def dino(random):
    teacher = random.normal(size=(2, BATCH, PROTOTYPES)).astype("float32")
    student = random.normal(size=(VIEWS, BATCH, PROTOTYPES)).astype("float32")
    center = random.normal(size=PROTOTYPES).astype("float32")
    yield "teacher", teacher
    yield "student", student
    yield "center", center
    loss_of = DINOLoss(PROTOTYPES)
    loss_of.center[:] = torch.tensor(center)
    views = torch.tensor(student, requires_grad=True)
    loss = loss_of(list(torch.tensor(teacher)), list(views), teacher_temp=0.07)
    loss.backward()
    yield "dino_loss", loss.detach().numpy()
    yield "dino_gradient", views.grad.numpy()
    yield "center_after", loss_of.center.numpy()[0, 0]


def head(random):
    torch.manual_seed(0)
    network = DINOProjectionHead(4, 8, 5, PROTOTYPES)
    linear = [layer for layer in network.layers if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer in linear:
            layer.weight.normal_()
            layer.bias.normal_()
    for number, layer in enumerate(linear, start=1):
        yield f"kernel_{number}", layer.weight.detach().numpy().T
        yield f"bias_{number}", layer.bias.detach().numpy()
    last = network.last_layer.weight_v
    yield "last_kernel", last.detach().numpy().T
    x = random.normal(size=(BATCH, 4)).astype("float32")
    weights = random.normal(size=(BATCH, PROTOTYPES)).astype("float32")
    outputs = network(torch.tensor(x))
    (outputs * torch.tensor(weights)).sum().backward()
    yield "features", x
    yield "output_weights", weights
    yield "outputs", outputs.detach().numpy()
    yield "last_kernel_gradient", last.grad.numpy().T
    yield "kernel_1_gradient", linear[0].weight.grad.numpy().T


def main():
    random = np.random.default_rng(0)
    values = {**dict(swav(random)), **dict(dino(random)), **dict(head(random))}
    path = pathlib.Path(__file__).parent / "lightly_clustering.npz"
    np.savez_compressed(path, **values)


if __name__ == "__main__":
    main()
