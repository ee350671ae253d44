"""What there is by name: methods and encoders.

This file imports nothing, so that programs can name their choices at once.
"""

# What --method chooses from: file and class in `tfssl.methods`.
METHODS = {
    "barlow_twins": "barlow_twins.BarlowTwins",
    "byol": "byol.BYOL",
    "cmc": "cmc.CMC",
    "context_encoder": "context_encoder.ContextEncoder",
    "cpc": "cpc.CPC",
    "dim": "dim.DeepInfoMax",
    "dim_global": "dim.DeepInfoMax",
    "dino": "dino.DINO",
    "ijepa": "ijepa.IJEPA",
    "joint": "joint.Joint",
    "lejepa": "lejepa.LeJEPA",
    "mae": "mae.MAE",
    "moco_v1": "moco.MoCo",
    "moco_v2": "moco.MoCo",
    "moco_v3": "moco_v3.MoCoV3",
    "nnclr": "nnclr.NNCLR",
    "simclr": "simclr.SimCLR",
    "simclr_v2": "simclr_v2.SimCLRv2",
    "simsiam": "simsiam.SimSiam",
    "swav": "swav.SwAV",
    "vicreg": "vicreg.VICReg",
    "visreg": "visreg.VISReg",
}

# What --encoder chooses from: file in `tfssl.encoders`.
ENCODERS = {
    "alexnet": "context_networks",
    "context_cnn": "context_networks",
    "dim_cnn": "dim_network",
    "resnet10": "resnets",
    "resnet18": "resnets",
    "resnet34": "resnets",
    "resnet50": "resnets",
    "resnet101": "resnets",
    "resnet152": "resnets",
    "sk_resnet50": "resnets",
    "sk_resnet101": "resnets",
    "sk_resnet152": "resnets",
    "vit_base": "vits",
    "vit_large": "vits",
    "vit_small": "vits",
    "vit_tiny": "vits",
}
# How a residual network begins: what the argument `stem` chooses from.
STEMS = ("small", "imagenet")
