"""Writes timm.npz: what timm's vision transformers make of small images.

Needs an environment with torch and timm (made with 2.14 and 1.0.31, on the CPU):

    python tests/references/make_timm.py
"""

import pathlib

import numpy as np
import timm
import torch
from timm.layers import resample_abs_pos_embed
from vit_weights import IMAGENET, images, weights

# The widths of DINO's ViT-S/16 and of MAE's ViT-B/16, two blocks deep.
MODELS = {"small": (384, 6), "base": (768, 12)}
DEPTH, PATCH, SIZE = 2, 16, 48
# Rows and columns of grids that the table of 14 x 14 is brought to.
GRIDS = [(6, 6), (14, 7), (16, 20), (3, 3)]


def transformer(width, heads, size):
    return timm.models.vision_transformer.VisionTransformer(
        img_size=size,
        patch_size=PATCH,
        embed_dim=width,
        depth=DEPTH,
        num_heads=heads,
        num_classes=0,
    ).eval()


def tokens(model, size):
    mean, std = (np.asarray(each, "float32") for each in IMAGENET)
    x = (images(size).astype("float32") / 255 - mean) / std
    x = torch.tensor(x.transpose(0, 3, 1, 2))
    with torch.no_grad():
        return model.forward_features(x).numpy(), model(x).numpy()


def outputs():
    for name, (width, heads) in MODELS.items():
        given = weights(width, DEPTH, PATCH, (SIZE // PATCH) ** 2)
        state = {key: torch.tensor(value) for key, value in given.items()}
        model = transformer(width, heads, SIZE)
        model.load_state_dict(state)
        yield f"{name}_tokens", tokens(model, SIZE)[0]
        yield f"{name}_features", tokens(model, SIZE)[1]
        # At another size as DINO does it: bicubic, without antialiasing.
        side = 2 * SIZE // 3 // PATCH
        state["pos_embed"] = resample_abs_pos_embed(
            state["pos_embed"], (side, side), antialias=False
        )
        model = transformer(width, heads, side * PATCH)
        model.load_state_dict(state)
        yield f"{name}_features_{side * PATCH}", tokens(model, side * PATCH)[1]


def positions():
    table = np.random.default_rng(0).normal(size=(1, 196, 8)).astype("float32")
    for grid in GRIDS:
        resized = resample_abs_pos_embed(
            torch.tensor(table), grid, num_prefix_tokens=0, antialias=False
        )
        yield f"positions_{grid[0]}_{grid[1]}", resized[0].numpy()


def counts():
    for size in ("tiny", "small", "base", "large"):
        model = timm.create_model(f"vit_{size}_patch16_224", num_classes=0)
        yield f"count_{size}", np.array(sum(p.numel() for p in model.parameters()))


def main():
    values = {**dict(outputs()), **dict(positions()), **dict(counts())}
    np.savez_compressed(pathlib.Path(__file__).parent / "timm.npz", **values)


if __name__ == "__main__":
    main()
