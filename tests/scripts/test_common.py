"""What the scripts share."""

import pytest
from cases import encoder
from programs import imported


def test_a_folder_is_no_encoder(tmp_path):
    with imported("common") as common:
        with pytest.raises(ValueError, match="is a folder. Give .*encoder.keras"):
            common.load_encoder(str(tmp_path))
        with pytest.raises(FileNotFoundError, match="There is no file"):
            common.load_encoder(str(tmp_path / "encoder.keras"))


def test_a_run_without_a_projector(tmp_path):
    encoder().save(tmp_path / "encoder.keras")
    with imported("common") as common:
        with pytest.raises(FileNotFoundError, match="keep no projector"):
            common.load_encoder(str(tmp_path / "encoder.keras"), head_layer=1)
