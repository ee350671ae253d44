"""Write the report of a run again, with the results that its folder has by now.

    tfssl report --workdir=runs/a

Nothing is trained: the model is what the run saved, the data are those of run.json.
"""

import running
from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_string("workdir", None, "Folder of a finished run.", required=True)
flags.DEFINE_string(
    "data_dir", None, "Folder of prepared tensorflow-datasets. Default: the run's."
)


def main():
    running.start("float32")
    from tfssl import runs

    run = runs.Workdir.read(FLAGS.workdir)
    if not run.info.get("finished"):
        raise ValueError(
            f"{FLAGS.workdir} holds no finished run. Give the command that started it "
            "again; it continues the run, and writes the report."
        )
    train, test = runs.data_of(run, FLAGS.data_dir)
    print(f"Look at {runs.write_run_report(run, runs.model_of(run), train, test)}")


if __name__ == "__main__":
    running.run(main)
