"""Numbers that are none, or beyond all bounds, are refused before any work."""

import pytest
from absl import flags
from absl.testing import flagsaver
from programs import ROOT, imported, run

# What each program cannot go without.
NEEDED = {
    "compare": (),
    "convert": ("from", "scheme"),
    "distill": ("dataset", "encoder", "workdir"),
    "evaluate": ("dataset", "encoder"),
    "export": ("model", "output"),
    "finetune": ("dataset", "encoder"),
    "predict": ("model",),
    "pretrain": ("dataset", "workdir"),
    "publish": ("workdir", "name"),
    "quickstart": (),
    "report": ("workdir",),
    "search": ("index", "encoder"),
    "steptime": ("dataset",),
    "verify_zoo": (),
    "zoo_examples": ("dataset",),
    "zoo_table": (),
}
# Who else defines flags.
SHARED = ("common", "recipe_flags")
WITHOUT_NUMBERS = ("publish", "report", "zoo_table")
BAD = ("nan", "inf", "-inf", "1e300", "-1", "99999999999999999999", "9" * 400)


def given(script):
    return [f"--{name}=none" for name in NEEDED[script]]


def is_number_of(script, name):
    """Whether a flag of a script, and not of a library, takes a number."""
    return flags.FLAGS.find_module_defining_flag(name) in (script, *SHARED) and (
        isinstance(flags.FLAGS[name].parser, (flags.FloatParser, flags.IntegerParser))
    )


def test_all_programs_are_here():
    scripts = (ROOT / "scripts").glob("*.py")
    programs = {p.stem for p in scripts if "running.run(main" in p.read_text()}
    assert set(NEEDED) == programs


@pytest.mark.parametrize("script", sorted(NEEDED))
def test_every_number_is_finite_and_bounded(script):
    with imported(script, *given(script)) as module:
        names = [name for name in flags.FLAGS if is_number_of(script, name)]
        for name in names:
            for value in BAD:
                with flagsaver.flagsaver(), pytest.raises(flags.Error) as refused:
                    flags.FLAGS([script, *given(script), f"--{name}={value}"])
                    module.running.check_numbers()
                assert f"flag --{name}=" in str(refused.value)
    assert bool(names) == (script not in WITHOUT_NUMBERS)


@pytest.mark.parametrize(
    "script, given, message",
    [
        ("evaluate", ["--draws=3"], "--draws is for --protocol=few_knn or few_linear"),
        ("evaluate", ["--labels_per_class=4", "--protocol=knn"], "protocol=knn"),
        ("evaluate", ["--k=5", "--protocol=linear"], "--k is for --protocol=knn"),
        ("evaluate", ["--temperature=1", "--protocol=hidden"], "knn or few_knn"),
        ("compare", ["runs/a", "--seeds=0,1"], "--seeds is for --methods"),
        ("compare", ["runs/a", "--pretrain=--epochs=1"], "--pretrain is for --methods"),
        *(
            ("compare", ["--methods=byol", f"--pretrain={flag}"], "Received: --pretr")
            for flag in ("encoder_width=16", "mea: --encoder_width=16")
        ),
    ],
)
def test_a_flag_without_effect_is_refused(tmp_path, script, given, message):
    needed = {
        "evaluate": ["--encoder=none", "--dataset=digits"],
        "compare": ["--dataset=digits", f"--workdir={tmp_path / 'runs'}"],
    }
    given = needed[script][: 0 if "runs/a" in given else None] + given
    output = f"--output={tmp_path / 'page.html'}"
    assert message in run(script, *given, output, fails=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "script, flag",
    [
        ("pretrain", "--epochs=99999999999999999999"),
        ("pretrain", "--warmup_epochs=inf"),
        ("pretrain", "--max_corrupt=nan"),
        ("pretrain", "--learning_rate=nan"),
        ("pretrain", "--seeds=0,99999999999"),
        ("pretrain", "--image_size=100000"),
        ("pretrain", "--virtual_devices=1000000"),
        ("evaluate", "--labels_per_class=1,99999999999"),
        ("evaluate", "--labels_per_class=0"),
        ("finetune", "--label_fraction=0"),
        ("predict", "--top=100000000"),
    ],
)
def test_a_number_is_refused_in_a_line(script, flag):
    error = run(script, *given(script), flag, fails=True)
    assert error.startswith(f"flag {flag.partition('=')[0]}=")
    assert error.endswith("(--help lists the flags.)\n") and error.count("\n") == 1
