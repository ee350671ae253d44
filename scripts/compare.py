"""Compare runs that there are, or methods that are trained for the same time.

    tfssl compare runs/a runs/b runs/c
    tfssl pretrain --dataset=digits --seeds=0,1,2 --workdir=runs/three
    tfssl compare runs/three/*

Runs that differ in their seed alone are one line, with the mean and the standard
deviation over the seeds. What is measured is what evaluate and finetune wrote into the
workdirs; else kNN at the end of pretraining.

    tfssl compare --methods=simclr,byol,vicreg --dataset=digits --budget_minutes=1 \\
        --seeds=0,1,2 --workdir=runs/methods

Each method is timed first, and then trained by its preset for as many epochs as fit
into the minutes. The same command again goes on where it was.
"""

import shlex

import budget
import common
import running
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags(required=False)
flags.adopt_module_key_flags(common)
flags.DEFINE_string("output", "comparison.html", "Page to write, with the curves.")
flags.DEFINE_list(
    "methods",
    [],
    "Methods to train and compare, of those of pretrain; or all that need no labels.",
)
flags.DEFINE_string("workdir", None, "With --methods: folder of their runs.")
flags.DEFINE_float(
    "budget_minutes",
    1.0,
    "Minutes of training for each run, without starting, compiling and measuring.",
    lower_bound=0,
)
flags.DEFINE_list("seeds", ["0"], "Seeds, a run each.")
flags.DEFINE_integer(
    "jobs",
    1,
    "Runs at a time, each on its share of the cores; the steps are timed on such a "
    "share, alone.",
    lower_bound=1,
)
flags.DEFINE_multi_string(
    "pretrain",
    [],
    'More flags of pretrain for all methods, as "--encoder_width=16", or for some, as '
    '"mae,ijepa: --encoder=vit_tiny". May be repeated; the last one counts.',
)
flags.DEFINE_integer(
    "k",
    None,
    "Neighbours of kNN. Default: 200, or all training images if there are fewer.",
    lower_bound=1,
)
flags.register_validator(
    "methods",
    lambda names: names == ["all"] or set(names) <= set(common.REGISTRY.METHODS),
    f"must be all, or some of {', '.join(common.REGISTRY.METHODS)}",
)
flags.register_validator(
    "seeds",
    lambda seeds: seeds and common.are_counts(seeds, minimum=0),
    "must be whole numbers, such as 0,1,2",
)


def main(workdirs):
    if bool(workdirs) == bool(FLAGS.methods):
        raise flags.Error("Give workdirs of runs, or --methods to train.")
    for name in ("dataset", "workdir"):
        if FLAGS.methods and FLAGS[name].value is None:
            raise flags.Error(f"Set --{name} with --methods.")
    for name in ("workdir", "budget_minutes", "seeds", "jobs", "pretrain", "k"):
        if FLAGS[name].present and not FLAGS.methods:
            raise flags.Error(f"--{name} is for --methods, which are trained.")
    common.make_folder_of(FLAGS.output)
    if FLAGS.methods:
        workdirs = train_methods()
    running.start("float32")
    from tfssl.runs import comparison

    by = ("method",) if FLAGS.methods else None
    groups = comparison.grouped(workdirs, by)
    if not FLAGS.methods:
        print(comparison.table(groups))
    comparison.write_comparison(FLAGS.output, groups)
    print(f"Look at {FLAGS.output}")


def train_methods():
    """Trains and measures what is not done yet; returns the folders of the runs."""
    methods = FLAGS.methods
    if methods == ["all"]:
        methods = [name for name in common.REGISTRY.METHODS if name != "joint"]
    check_pretrain_flags()
    data_flags = [
        f"--{name}={value}"
        for name, value in common.flag_values(common).items()
        if value is not None
    ]
    comparison = budget.Comparison(
        FLAGS.workdir,
        FLAGS.budget_minutes,
        data_flags,
        pretrain_flags,
        [f"--k={FLAGS.k}"] if FLAGS.k else [],
        FLAGS.jobs,
    )
    rows = comparison.run(methods, list(map(int, FLAGS.seeds)))
    print(budget.table(rows))
    return [comparison.folder(row) for row in rows]


def check_pretrain_flags():
    """Refuses a --pretrain that would say nothing of any method."""
    for given in FLAGS.pretrain:
        names, colon, _ = given.partition(":")
        unknown = set(names.replace(" ", "").split(",")) - set(common.REGISTRY.METHODS)
        if not given.startswith("-") and (unknown or not colon):
            raise flags.Error(
                'Write --pretrain as "--encoder_width=16" or, for some of the methods, '
                f'"mae,ijepa: --encoder=vit_tiny". Received: --pretrain={given!r}'
            )


def pretrain_flags(method):
    """What --pretrain says of a method."""
    found = []
    for given in FLAGS.pretrain:
        names, colon, rest = given.partition(":")
        if given.startswith("-"):
            found += shlex.split(given)
        elif colon and method in names.replace(" ", "").split(","):
            found += shlex.split(rest)
    return found


if __name__ == "__main__":
    running.run(main, files=True)
