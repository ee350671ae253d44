"""Compare runs: what they measured, and their curves, one over the other.

    tfssl compare runs/a runs/b runs/c
    tfssl pretrain --dataset=digits --seeds=0,1,2 --workdir=runs/three
    tfssl compare runs/three/*

Runs that differ in their seed alone are one line, with the mean and the standard
deviation over the seeds. What is measured is what evaluate and finetune wrote into the
workdirs; else kNN at the end of pretraining.
"""

import running
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string("output", "comparison.html", "Page to write, with the curves.")


def main(workdirs):
    running.start("float32")
    from tfssl.runs import comparison

    groups = comparison.grouped(workdirs)
    print(comparison.table(groups))
    comparison.write_comparison(FLAGS.output, groups)
    print(f"Look at {FLAGS.output}")


if __name__ == "__main__":
    running.run(main, files=True)
