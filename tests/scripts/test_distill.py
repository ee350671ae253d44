"""A teacher of few labels, and what a student learns from it."""

import pytest
from absl import flags
from cases import encoder
from programs import imported, run, write_npz

import tfssl


@pytest.mark.matrix
@pytest.mark.slow
def test_distill(tmp_path):
    write_npz(tmp_path / "data.npz")
    data = f"--dataset=npz:{tmp_path / 'data.npz'}"
    encoder().save(tmp_path / "encoder.keras")
    projector = tfssl.heads.projection_head(128, (24, 24, 8))
    projector.save(tmp_path / "projector.keras")
    flags = (
        f"--encoder={tmp_path / 'encoder.keras'}",
        "--head_layer=1",
        "--labels_per_class=8",
        "--steps=20",
        "--student=resnet10",
        "--student_width=4",
        "--batch_size=64",
        "--epochs=2",
        "--alpha=0.9",
        data,
        f"--workdir={tmp_path / 'b'}",
    )
    out = run("distill", *flags)
    assert "agrees with the teacher" in out
    content = tfssl.transfer.read_results(tmp_path / "b" / "distillation.json")
    results = content["results"]
    names = [result.protocol for result in results]
    assert names == ["teacher", "distilled", "labels_alone"]
    assert results[0].settings["agreement_with_teacher"] == 1.0
    assert all(result.settings["labelled_images"] == 16 for result in results)
    assert tfssl.transfer.table(results) in out
    # The same command again finds everything done and says the same.
    assert run("distill", *flags).splitlines()[-2:] == out.splitlines()[-2:]
    assert (tmp_path / "b" / "student.keras").exists()


class Asked(Exception):
    """Ends a program with what it asked for."""


def test_a_student_learns_as_the_flags_say(tmp_path, monkeypatch):
    class Distillation:
        def __init__(self, student, teacher, **how):
            self.how = how

        def compile(self, optimizer):
            raise Asked(self.how, optimizer)

    write_npz(tmp_path / "data.npz", n=96)
    labelled = []
    given = (f"--dataset=npz:{tmp_path / 'data.npz'}", "--encoder=none")
    given += (f"--workdir={tmp_path / 'run'}", "--label_fraction=0.25")
    given += ("--learning_rate=0.1", "--batch_size=64", "--epochs=2")
    given += ("--temperature=3", "--alpha=0.5", "--seed=4")
    with imported("distill", *given) as distill:
        monkeypatch.setattr(distill.common, "load_encoder", lambda *_: encoder())
        monkeypatch.setattr(distill, "saved", lambda run, name, make: make())
        monkeypatch.setattr(
            distill,
            "fine_tuned",
            lambda encoder, classes, data, mode: labelled.append((mode, len(data[0]))),
        )
        monkeypatch.setattr(tfssl.transfer, "Distillation", Distillation)
        with pytest.raises(Asked) as asked:
            distill.main()
    how, optimizer = asked.value.args
    assert how == {"temperature": 3.0, "alpha": 0.5, "seed": 4}
    # After the warm-up, a step; the root of a quarter of 256 images.
    optimizer.iterations.assign(1)
    assert float(optimizer.learning_rate) == pytest.approx(0.05)
    modes, counts = zip(*labelled, strict=True)
    assert modes == ("finetuned", "scratch")
    # A quarter of each class, of 72 images.
    assert counts[0] == counts[1] and counts[0] in (17, 18, 19)


def test_mistakes_are_told(tmp_path):
    flags = (
        "--dataset=digits",
        "--encoder=nothing.keras",
        f"--workdir={tmp_path / 'b'}",
    )
    assert "Set one of" in run("distill", *flags, fails=True)
    error = run("distill", *flags, "--labels_per_class=1", fails=True)
    assert "There is no file" in error
    assert not (tmp_path / "b").exists()


def test_a_width_without_a_network_is_refused():
    given = (
        "--workdir=none",
        "--encoder=none",
        "--dataset=digits",
        "--student_width=8",
    )
    with imported("distill", *given, "--labels_per_class=2") as distill:
        with pytest.raises(ValueError, match="--student, which is missing"):
            distill.main()


def test_students():
    given = ("--dataset=digits", "--encoder=a", "--workdir=b")
    with imported("distill", *given, "--student=alexnet") as distill:
        # Of the full size, that is its own.
        assert distill.make_student(None, 67).output_shape == (None, 1, 1, 256)
    with imported("distill", *given, "--student=dim_cnn") as distill:
        assert distill.make_student(None, 32).name == "dim_cnn"
    with pytest.raises(flags.IllegalFlagValueError, match="resnet10"):
        with imported("distill", *given, "--student=cut"):
            pass


@pytest.mark.parametrize(
    "argument, message",
    [
        ("--labels_per_class=500", "fewer than labels_per_class"),
        # Of the 192 images; told after the teacher was trained, once.
        ("--labels_per_class=5", "A batch of 256 is more than"),
    ],
)
def test_a_refused_argument_leaves_no_workdir(tmp_path, argument, message):
    write_npz(tmp_path / "data.npz")
    encoder().save(tmp_path / "encoder.keras")
    with imported(
        "distill",
        f"--encoder={tmp_path / 'encoder.keras'}",
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        f"--workdir={tmp_path / 'w'}",
        argument,
    ) as distill:
        with pytest.raises(ValueError, match=message):
            distill.main()
    assert not (tmp_path / "w").exists()
