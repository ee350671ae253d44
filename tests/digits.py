"""Fewer of the handwritten digits, which are enough for what the docs show."""

import dataclasses

import tfssl
from tfssl.data.digits import load_digits


def take_few_digits(monkeypatch, count):
    """Has `tfssl.data.load("digits")` give the first of each split."""

    def load_few(*args):
        digits = load_digits(*args)
        few = {name: getattr(digits, name)[:count] for name in ("images", "labels")}
        return dataclasses.replace(digits, **few)

    monkeypatch.setattr(tfssl.data.loading, "load_digits", load_few)
