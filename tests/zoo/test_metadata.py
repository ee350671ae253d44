import json

import keras
import numpy as np
import pytest
from cases import encoder

import tfssl
from tfssl.zoo.metadata import describe, summary

CARD = {"method": "simclr", "dataset": "digits"}
KNN = {"protocol": "knn", "value": 0.5}


def test_what_the_encoder_says_itself():
    mean, std = tfssl.encoders.IMAGENET_MEAN, tfssl.encoders.IMAGENET_STD
    network = tfssl.encoders.resnet(
        10, (16, 24), stem="small", width=4, mean=mean, std=std
    )
    found = describe(network, "small", CARD)
    assert found["input_size"] == [16, 24]
    assert found["feature_dim"] == 32
    assert found["parameters"] == sum(np.prod(w.shape) for w in network.weights)
    np.testing.assert_allclose(found["pixel_mean"], mean, atol=1e-6)
    np.testing.assert_allclose(found["pixel_std"], std, atol=1e-6)
    assert found["versions"]["keras"] == keras.__version__
    assert json.loads(json.dumps(found)) == found


def test_scaling_is_found_inside_and_not_guessed():
    image = keras.Input((16, 16, 3))
    inside = keras.Model(image, encoder()(image))
    assert describe(inside, "a", CARD)["pixel_std"] == 1.0
    normalised = keras.layers.Normalization(mean=[1, 2, 3], variance=[1, 1, 1])(image)
    twice = keras.Model(image, encoder()(normalised))
    assert describe(twice, "a", CARD)["pixel_scaling"] is None
    assert "pixel_mean" not in describe(twice, "a", CARD)


def test_a_card_of_another_encoder_does_not_name_this_one():
    found = describe(encoder(), "mine", {**CARD, "name": "other"})
    assert found["name"] == "mine"
    settings = {**CARD, "metrics": [{**KNN, "settings": None, "std": None}]}
    assert summary(describe(encoder(), "mine", settings))["knn"] == 0.5


def test_any_size():
    found = describe(tfssl.encoders.resnet(10, None, width=4), "a", CARD)
    assert found["input_size"] == [None, None]


@pytest.mark.parametrize("shape", [(16,), (16, 16, 1)])
def test_what_takes_no_images_is_refused(shape):
    network = keras.Sequential([keras.Input(shape), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="takes images"):
        describe(network, "a", CARD)


@pytest.mark.parametrize(
    "card, message",
    [
        ({}, "method and dataset"),
        ({"method": "simclr"}, "dataset"),
        ({**CARD, "metrics": [{"protocol": "knn"}]}, "a value, a number"),
        ({**CARD, "metrics": [{"value": 0.5}]}, "a protocol"),
        ({**CARD, "metrics": ["knn"]}, "'knn'"),
        ({**CARD, "metrics": [{**KNN, "std": "0.1"}]}, "std"),
        ({**CARD, "metrics": [{**KNN, "settings": [1]}]}, "settings are a dict"),
        ({**CARD, "versions": "3.15"}, "versions are a dict"),
        ({**CARD, "loss": float("nan")}, "JSON cannot hold"),
        ({**CARD, "views": object()}, "JSON cannot hold"),
    ],
)
def test_cards_that_are_refused(card, message):
    with pytest.raises(ValueError, match=message):
        describe(encoder(), "a", card)


def test_the_summary_is_short():
    metrics = [{"protocol": "knn", "value": 0.5, "settings": {"k": 20}}]
    card = {**CARD, "epochs": 3, "settings": {"a": 1}, "metrics": metrics}
    assert summary(describe(encoder(), "a", card)) == {
        "method": "simclr",
        "dataset": "digits",
        "epochs": 3,
        "input_size": [16, 16],
        "feature_dim": 128,
        "parameters": encoder().count_params(),
        "knn": 0.5,
    }
