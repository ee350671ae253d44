"""Methods of lightly for benchmarks/steps_torch.py: what its examples do, for speed."""

import resnet_torch
import torch
from lightly import loss, transforms
from lightly.models import modules, utils
from torch import nn
from torch.nn import functional


class WithTeacher(nn.Module):
    """A student and its moving average."""

    def __init__(self, row, head):
        super().__init__()
        self.row = row
        (self.encoder, self.head), teacher = (
            self._networks(row, head) for _ in range(2)
        )
        self.teacher = nn.Sequential(*teacher).requires_grad_(False)

    @staticmethod
    def _networks(row, head):
        encoder, features = resnet_torch.resnet(
            row["network"], row["width"], row["side"]
        )
        return encoder, head(features)

    def student(self, x):
        return self.head(self.encoder(x))

    def learned(self):
        return [p for p in self.parameters() if p.requires_grad]

    def before_update(self):
        pass

    def after_update(self):
        utils.update_momentum(self.encoder, self.teacher[0], 0.99)
        utils.update_momentum(self.head, self.teacher[1], 0.99)


class MoCo(WithTeacher):
    """MoCo v2, with a queue of 4096 keys."""

    def __init__(self, row):
        super().__init__(
            row, lambda features: modules.MoCoProjectionHead(features, 2048, 128)
        )
        self.loss = loss.NTXentLoss(0.1, memory_bank_size=(4096, 128))

    def forward(self, views):
        queries, keys = views
        with torch.no_grad():
            shuffled, order = utils.batch_shuffle(keys)
            keys = utils.batch_unshuffle(self.teacher(shuffled), order)
        return self.loss(self.student(queries), keys)

    def transform(self):
        return transforms.MoCoV2Transform(
            self.row["side"], gaussian_blur=0.0, normalize=None
        )

    def optimizer(self):
        return torch.optim.SGD(
            self.learned(), 0.03, momentum=0.9, weight_decay=1e-4, fused=True
        )


class DINO(WithTeacher):
    """DINO with two large and two small crops."""

    def __init__(self, row):
        super().__init__(
            row,
            lambda features: modules.DINOProjectionHead(
                features, 2048, 256, 4096, batch_norm=True
            ),
        )
        self.loss = loss.DINOLoss(4096)

    def forward(self, views):
        # Crops of one size go through the networks together.
        large, small = torch.cat(views[:2]), torch.cat(views[2:])
        with torch.no_grad():
            targets = self.teacher(large).chunk(2)
        found = [self.student(large), self.student(small)]
        found = [part for crops in found for part in crops.chunk(2)]
        return self.loss(targets, found, epoch=0)

    def transform(self):
        return transforms.DINOTransform(
            self.row["side"],
            global_crop_scale=(0.3, 1.0),
            local_crop_size=12,
            local_crop_scale=(0.1, 0.3),
            n_local_views=2,
            gaussian_blur=(0.0, 0.0, 0.0),
            normalize=None,
        )

    def optimizer(self):
        return torch.optim.AdamW(self.learned(), 1e-3, weight_decay=0.04, fused=True)

    def before_update(self):
        nn.utils.clip_grad_norm_(self.learned(), 3.0)


class MAE(nn.Module):
    """MAE of a small vision transformer, patches of 4 pixels."""

    def __init__(self, row):
        from timm.models.vision_transformer import VisionTransformer

        super().__init__()
        self.row, self.patch = row, 4
        self.encoder = modules.MaskedVisionTransformerTIMM(
            VisionTransformer(
                row["side"],
                self.patch,
                embed_dim=row["width"],
                depth=12,
                num_heads=row["width"] // 64,
                num_classes=0,
            )
        )
        self.embed = nn.Linear(row["width"], 192)
        self.decoder = modules.MaskedVisionTransformerDecoderTIMM(
            self.encoder.vit.patch_embed.num_patches,
            embed_dim=192,
            depth=4,
            num_heads=6,
        )
        self.paint = nn.Linear(192, 3 * self.patch**2)

    def forward(self, views):
        (images,) = views
        count = len(images)
        seen, hidden = utils.random_token_mask(
            (count, self.encoder.sequence_length), 0.75, device=images.device
        )
        tokens = self.embed(self.encoder.encode(images, idx_keep=seen))
        asked = utils.repeat_token(
            self.decoder.mask_token, (count, self.encoder.sequence_length)
        )
        asked = utils.set_at_index(asked.type_as(tokens), seen, tokens)
        painted = self.paint(utils.get_at_index(self.decoder(asked), hidden))
        patches = utils.patchify(images, self.patch)
        # The first token is that of the class.
        target = utils.get_at_index(patches, hidden - 1)
        mean, variance = target.mean(-1, True), target.var(-1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
        return functional.mse_loss(painted.float(), target)

    def transform(self):
        return transforms.MAETransform(
            self.row["side"], normalize={"mean": 3 * [0.0], "std": 3 * [1.0]}
        )

    def optimizer(self):
        return torch.optim.AdamW(
            self.parameters(), 1e-3, (0.9, 0.95), weight_decay=0.05, fused=True
        )

    def before_update(self):
        pass

    def after_update(self):
        pass


METHODS = {"moco_v2": MoCo, "dino": DINO, "mae": MAE}
