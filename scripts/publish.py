"""Publish the encoder of a finished run, with its card, into a zoo.

    python scripts/publish.py --workdir=runs/a --name=simclr_resnet18_cifar10 --zoo=zoo

The numbers of evaluation.json and finetune.json in the workdir go into the card.
"""

import json
from pathlib import Path

import common
from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_string("workdir", None, "Folder of a finished run.", required=True)
flags.DEFINE_string(
    "name", None, "Name of the encoder: letters, digits, _ - and .", required=True
)
flags.DEFINE_string("zoo", "zoo", "Folder of the zoo; made if it does not exist.")
flags.DEFINE_bool("overwrite", False, "Replace an encoder of this name.")
flags.DEFINE_string("description", None, "A sentence or two for the card.")
flags.DEFINE_string("licence", "Apache-2.0", "Licence of the weights.")
flags.DEFINE_string("data_licence", None, "Licence of the training images.")


def main():
    import tfssl

    workdir = Path(FLAGS.workdir)
    run = read_json(workdir / "run.json")
    if not run.get("finished"):
        raise ValueError(f"{workdir} holds no finished run. Finish it first.")
    settings = run["settings"]
    metrics = []
    for name in ("evaluation.json", "finetune.json"):
        if (workdir / name).exists():
            metrics += read_json(workdir / name)["results"]
        else:
            print(f"{workdir} has no {name}: the card goes without its numbers.")
    encoder = common.load_encoder(str(workdir / "encoder.keras"))
    projector = None
    if (workdir / "projector.keras").exists():
        projector = common.load_encoder(str(workdir / "projector.keras"))
    card = {
        "description": FLAGS.description,
        "method": settings["method"],
        "dataset": settings["dataset"],
        "encoder": encoder.name,
        "epochs": settings["epochs"],
        "batch_size": settings["batch_size"],
        "seed": settings["seed"],
        "settings": {
            k: v for k, v in settings.items() if k not in ("workdir", "data_dir")
        },
        "commit": run["commit"],
        "versions": run["versions"],
        "metrics": metrics,
        "licence": FLAGS.licence,
        "data_licence": FLAGS.data_licence or "see the data set",
    }
    folder = tfssl.zoo.publish(
        encoder, FLAGS.name, FLAGS.zoo, card, projector, FLAGS.overwrite
    )
    print(f"Published {folder}. Load it with")
    print(f'    tfssl.zoo.load("{FLAGS.name}", source="{FLAGS.zoo}")')


def read_json(file):
    if not file.exists():
        raise FileNotFoundError(f"There is no {file}; is this the workdir of a run?")
    return json.loads(file.read_text())


if __name__ == "__main__":
    common.run(main)
