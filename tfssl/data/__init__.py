"""Where images come from: digits, tfds:NAME, folder:DIR, npz:FILE."""

from tfssl.data.corrupt import CorruptImagesError
from tfssl.data.folder import load_image
from tfssl.data.image_data import ImageData
from tfssl.data.loading import load
from tfssl.data.streaming import stream
from tfssl.training.batches import Batches

__all__ = ["Batches", "CorruptImagesError", "ImageData", "load", "load_image", "stream"]
