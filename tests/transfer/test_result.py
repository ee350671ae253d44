import json

import numpy as np
import pytest

from tfssl.transfer import (
    Result,
    read_results,
    record_results,
    table,
    write_results,
)

NEW = {"encoder": "zoo:mine", "dataset": "digits"}
RESULTS = [
    Result("knn", 0.6125, settings={"k": 20}),
    Result.over_draws("scratch", [0.25, 0.5, 0.75], {"draws": 3, "rate": None}),
]


def test_several_draws_are_a_mean_and_a_sample_deviation():
    result = RESULTS[1]
    assert (result.value, result.std, result.draws) == (0.5, 0.25, (0.25, 0.5, 0.75))
    single = Result.over_draws("scratch", [0.25], {})
    assert single.std is None and single.value == 0.25


def test_text():
    lines = "knn      0.6125", "scratch  0.5000 +- 0.2500"
    assert table(RESULTS) == "\n".join(lines)
    assert str(RESULTS[0]) == "knn  0.6125"
    assert table([]) == ""


def test_few_labels_are_counted_in_the_text():
    results = [
        Result("few_knn", 0.5, settings={"labels_per_class": n}) for n in (1, 25)
    ]
    lines = (
        "few_knn, 1 labels per class   0.5000",
        "few_knn, 25 labels per class  0.5000",
    )
    assert table(results) == "\n".join(lines)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "0.5"])
def test_what_is_no_measurement_is_refused(value):
    with pytest.raises(ValueError, match="finite numbers"):
        Result("knn", value)
    with pytest.raises(ValueError, match="finite numbers"):
        Result("knn", 0.5, draws=(0.5, value))


def test_settings_that_a_result_has_are_kept():
    result = RESULTS[0].with_settings(k=1, images=7)
    assert result.settings == {"k": 20, "images": 7}
    assert RESULTS[0].settings == {"k": 20}


def test_written_and_read(tmp_path):
    path = tmp_path / "new" / "evaluation.json"
    write_results(path, RESULTS, **NEW)
    content = read_results(path)
    assert content["results"] == RESULTS
    assert content["encoder"] == "zoo:mine" and content["dataset"] == "digits"
    assert "keras" in content["versions"]
    raw = json.loads(path.read_text())
    assert raw["results"][0] == {
        "protocol": "knn",
        "value": 0.6125,
        "std": None,
        "draws": [],
        "settings": {"k": 20},
        "metric": "accuracy",
    }


def test_a_file_is_known_by_its_content(tmp_path):
    encoder, path = tmp_path / "encoder.keras", tmp_path / "evaluation.json"
    encoder.write_bytes(b"abc")
    write_results(path, RESULTS, encoder=str(encoder), dataset="digits")
    # Of "abc", in the standard's examples (FIPS 180-2, appendix B.1).
    assert json.loads(path.read_text())["encoder_sha256"].startswith("ba7816bf8f01cfea")
    write_results(path, RESULTS, **NEW)
    assert "encoder_sha256" not in json.loads(path.read_text())


def test_what_json_does_not_know_leaves_the_old_file(tmp_path):
    path = tmp_path / "evaluation.json"
    write_results(path, RESULTS, **NEW)
    with pytest.raises(TypeError):
        write_results(path, [Result("knn", 0.5, settings={"x": np.ones(2)})], **NEW)
    assert read_results(path)["results"] == RESULTS
    assert [file.name for file in tmp_path.iterdir()] == ["evaluation.json"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "no file of results"),
        ("[]", "no file of results"),
        ('{"results": []}', "'encoder'"),
        ('{"results": [{"protocol": "knn"}]}', "Received: {'protocol': 'knn'}"),
        ('{"results": [7]}', "Received: 7"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_results(path)
    with pytest.raises(FileNotFoundError):
        read_results(tmp_path / "none.json")


def test_a_protocol_that_fails_loses_no_result(tmp_path, capsys):
    path = tmp_path / "new" / "evaluation.json"

    def measure():
        assert path.parent.exists()
        yield RESULTS[0]
        assert read_results(path)["results"] == RESULTS[:1]
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        record_results(measure(), path, **NEW)
    assert read_results(path)["results"] == RESULTS[:1]
    assert capsys.readouterr().out == "knn  0.6125\n"


def test_without_a_file(tmp_path, capsys):
    assert record_results(iter(RESULTS), **NEW) == RESULTS
    assert capsys.readouterr().out.count("\n") == 2
    assert list(tmp_path.iterdir()) == []
