"""A folder of photographs of all sizes, some of them broken."""

import numpy as np
import pytest
from PIL import Image
from programs import SMALL, run


def make_photos(folder, corrupt):
    """200 files: smooth pictures of many sizes, one grey, one with alpha."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for i in range(200):
        width, height = random.integers(40, 90, 2)
        small = random.integers(0, 256, (5, 6, 3), "uint8")
        photo = Image.fromarray(small).resize((int(width), int(height)), Image.BICUBIC)
        if i == 0:
            photo = photo.convert("L")
        if i == 1:
            photo.putalpha(128)
        path = folder / f"photo{i:03}.{'png' if i < 2 else 'jpg'}"
        photo.save(path)
        if i >= 200 - corrupt:
            path.write_bytes(path.read_bytes()[:100])


@pytest.mark.slow
def test_a_folder_with_one_corrupt_file_trains(tmp_path):
    make_photos(tmp_path / "photos", corrupt=1)
    flags = ("--image_size=32", "--epochs=1", *SMALL, f"--workdir={tmp_path / 'run'}")
    out = run("pretrain", f"--dataset=folder:{tmp_path / 'photos'}", *flags)
    assert "199 images" in out
    assert (tmp_path / "run" / "encoder.keras").exists()


def test_ten_corrupt_files_stop_it_with_their_names(tmp_path):
    make_photos(tmp_path / "photos", corrupt=10)
    flags = ("--image_size=32", "--epochs=1", *SMALL, f"--workdir={tmp_path / 'run'}")
    error = run(
        "pretrain", f"--dataset=folder:{tmp_path / 'photos'}", *flags, fails=True
    )
    for i in range(190, 200):
        assert f"photo{i}.jpg" in error
    assert not (tmp_path / "run").exists()
