import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

from tfssl.views import (
    BYOLViews,
    ColorJitter,
    CropViews,
    DigitViews,
    DINOViews,
    LeJEPAViews,
    MoCoViews,
    MultiCropViews,
    PatchViews,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
    SimCLRViews,
)

PRESETS = [
    SimCLRViews(20, 0.7, True, (0.3, 0.9), 3),
    MoCoViews(20, 1, True, (0.3, 0.9)),
    BYOLViews(20, True, (0.3, 0.9)),
    MultiCropViews(20, 10, 2, (0.5, 1), (0.1, 0.5), 0.7, True, "bilinear"),
    DINOViews(20, 10, 2, (0.5, 1), (0.1, 0.5), True),
    DigitViews(20, (0.3, 0.9), 7.0, 0.2, 3),
    CropViews(20, (0.3, 0.9), False, 2, "bilinear"),
    PatchViews(20, 0.5, 2),
]


@pytest.mark.parametrize("views", PRESETS, ids=lambda v: type(v).__name__)
def test_config_round_trip_keeps_every_argument(views):
    config = json.dumps(keras.saving.serialize_keras_object(views))
    copy = keras.saving.deserialize_keras_object(json.loads(config))
    assert type(copy) is type(views) and copy.pipelines == views.pipelines
    assert copy.get_config().keys() == inspect.signature(type(views)).parameters.keys()
    default = type(views)(image_size=20)
    for name, value in views.get_config().items():
        assert name == "image_size" or value != default.get_config()[name], name


def test_simclr_of_the_paper():
    assert (
        SimCLRViews(224).pipelines
        == [
            [
                RandomResizedCrop(224, (0.08, 1), interpolation="bicubic"),
                RandomFlip(0.5),
                ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8),
                RandomGrayscale(0.2),
                RandomGaussianBlur((0.1, 2.0), p=0.5),
            ]
        ]
        * 2
    )


def test_simclr_for_small_images():
    """Half the jitter and no blur, as the paper does on CIFAR-10."""
    assert (
        SimCLRViews(32).pipelines
        == [
            [
                RandomResizedCrop(32, (0.08, 1)),
                RandomFlip(),
                ColorJitter(0.4, 0.4, 0.4, 0.1),
                RandomGrayscale(),
            ]
        ]
        * 2
    )


def test_moco():
    crop = RandomResizedCrop(224, (0.2, 1), interpolation="bilinear")
    assert (
        MoCoViews(224, version=1).pipelines
        == [
            [
                crop,
                RandomGrayscale(),
                ColorJitter(0.4, 0.4, 0.4, 0.4, p=1),
                RandomFlip(),
            ]
        ]
        * 2
    )
    assert (
        MoCoViews(224).pipelines
        == [
            [
                crop,
                RandomFlip(),
                ColorJitter(0.4, 0.4, 0.4, 0.1),
                RandomGrayscale(),
                RandomGaussianBlur(p=0.5),
            ]
        ]
        * 2
    )
    with pytest.raises(ValueError, match="version=3"):
        MoCoViews(224, version=3)


def test_byol_and_dino_treat_the_second_view_otherwise():
    def view(size, scale, *rest):
        return [
            RandomResizedCrop(size, scale),
            RandomFlip(),
            ColorJitter(0.4, 0.4, 0.2, 0.1),
            RandomGrayscale(),
            *rest,
        ]

    often, seldom = RandomGaussianBlur(p=1), RandomGaussianBlur(p=0.1)
    assert BYOLViews(224).pipelines == [
        view(224, (0.08, 1), often),
        view(224, (0.08, 1), seldom, RandomSolarize(p=0.2)),
    ]
    assert DINOViews(224).pipelines == [
        view(224, (0.4, 1), often),
        view(224, (0.4, 1), seldom, RandomSolarize(p=0.2)),
        *[view(96, (0.05, 0.4), RandomGaussianBlur(p=0.5))] * 8,
    ]


def test_multi_crop_of_swav():
    views = MultiCropViews(224)
    assert views.num_views == 8
    crops = [pipeline[0] for pipeline in views.pipelines]
    assert crops[:2] == [RandomResizedCrop(224, (0.14, 1))] * 2
    assert crops[2:] == [RandomResizedCrop(96, (0.05, 0.14))] * 6
    images = np.zeros((2, 30, 41, 3), "uint8")
    sizes = [v.shape[1] for v in MultiCropViews(28)(images, seed=0)]
    assert sizes == [28, 28] + [12] * 6


@pytest.mark.parametrize("preset", [MultiCropViews, CropViews])
def test_crops_are_interpolated_as_told(preset):
    for own in ({}, {"interpolation": "bilinear"}):
        crops = [pipeline[0] for pipeline in preset(224, **own).pipelines]
        expected = own.get("interpolation", "bicubic")
        assert {crop.interpolation for crop in crops} == {expected}


@pytest.mark.parametrize("preset", [MultiCropViews, DINOViews, LeJEPAViews])
def test_views_are_counted(preset):
    assert preset(32, num_local=0).num_views == 2
    with pytest.raises(ValueError, match="num_local must be.*num_local=-1"):
        preset(32, num_local=-1)


@pytest.mark.parametrize("preset", [MultiCropViews, DINOViews])
def test_small_views_of_several_sizes_are_not_blurred(preset):
    for size, blurred in ((64, False), (65, True)):
        kinds = [{type(step) for step in p} for p in preset(size).pipelines]
        assert [RandomGaussianBlur in steps for steps in kinds] == [blurred] * len(
            kinds
        )
    assert MultiCropViews(64).get_config()["strength"] == 0.5


def test_a_digit_is_never_mirrored():
    """A picture that is bright on its left stays so."""
    images = np.zeros((200, 16, 16, 3), "uint8")
    images[:, :, :8] = 200
    for view in DigitViews(16)(images, seed=0):
        halves = ops.convert_to_numpy(view).mean(axis=(1, 3))
        assert (halves[:, :8].mean(axis=1) > halves[:, 8:].mean(axis=1)).all()
        # And grey stays grey.
        np.testing.assert_allclose(view[..., 0], view[..., 2], atol=1e-3)
