"""Publish the encoder of a finished run, with its card, into a zoo.

    tfssl publish --workdir=runs/a --name=simclr_resnet18_cifar10 --zoo=zoo
    tfssl publish --workdir=runs/a --name=simclr_resnet18_cifar10 --zoo=hf://owner/repo

The card says how the run was made (run.json) and what the encoder is worth, if the
workdir has what these write there:

    tfssl evaluate ... --output=runs/a/evaluation.json
    tfssl finetune ... --output=runs/a/finetune.json

Look at zoo/NAME/README.md, the card, before you commit or upload the zoo.
"""

import json
import os
from pathlib import Path

import common
import running
from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_string("workdir", None, "Folder of a finished run.", required=True)
flags.DEFINE_string(
    "name",
    None,
    "Name of the encoder: lower-case letters, digits, _ - and .",
    required=True,
)
flags.DEFINE_string(
    "zoo",
    "zoo",
    "Folder of the zoo, or hf://owner/repo (pip install huggingface_hub); made if it "
    "does not exist.",
)
flags.DEFINE_bool("overwrite", False, "Replace an encoder of this name.")
flags.DEFINE_bool("half", False, "Keep kernels in half precision: half the size.")
flags.DEFINE_string("description", None, "A sentence or two for the card.")
flags.DEFINE_string("licence", "Apache-2.0", "Licence of the weights.")
flags.DEFINE_string("data_licence", None, "Licence of the training images.")

# Settings that say where things are on this machine.
PLACES = ("workdir", "data_dir", "labels")


def main():
    workdir = Path(FLAGS.workdir)
    run = read_json(workdir / "run.json")
    if not run.get("finished"):
        raise ValueError(
            f"{workdir} holds no finished run. Give the command that started it again; "
            "it continues the run."
        )
    # Imported here so that mistakes above are told at once.
    running.start("float32")
    import tfssl

    encoder = common.load_encoder(str(workdir / "encoder.keras"))
    projector = None
    if (workdir / "projector.keras").exists():
        projector = common.load_encoder(str(workdir / "projector.keras"))
    else:
        print(f"{workdir} has no projector.keras: the encoder goes without one.")
    folder = tfssl.zoo.publish(
        encoder,
        FLAGS.name,
        FLAGS.zoo,
        make_card(run, encoder.name, read_metrics(workdir)),
        projector,
        FLAGS.overwrite,
        FLAGS.half,
    )
    print(f"Published {folder}. Load it with")
    print(f'    tfssl.zoo.load("{FLAGS.name}", source="{FLAGS.zoo}")')


def make_card(run, encoder, metrics):
    """What run.json knows, in the words of the card."""
    settings = {k: v for k, v in run["settings"].items() if k not in PLACES}
    settings["dataset"] = common.without_folder(settings.get("dataset"))
    start = settings.get("init") or ""
    if start and not start.startswith("zoo:"):
        # A file here; the network is named after it.
        settings["init"] = settings["encoder"] = os.path.basename(start)
    for name in ("epochs", "batch_size", "seed"):
        if name not in settings:
            print(f"run.json does not say {name}; nor will the card.")
    commit = run.get("commit")
    if not commit:
        print("run.json names no commit; nor will the card.")
    elif commit.endswith("-dirty"):
        print(f"The run was made from changes on top of a commit: {commit}.")
    return {
        "description": FLAGS.description,
        "method": settings.get("method"),
        "dataset": settings["dataset"],
        "encoder": encoder,
        "epochs": settings.get("epochs"),
        "batch_size": settings.get("batch_size"),
        "seed": settings.get("seed"),
        "settings": settings,
        "commit": commit,
        "device": run.get("device"),
        "versions": run.get("versions"),
        "metrics": metrics,
        "licence": FLAGS.licence,
        "data_licence": FLAGS.data_licence,
    }


def read_metrics(workdir):
    """Results of evaluation.json and finetune.json, each with its data set."""
    from tfssl import files, runs

    sha256 = files.facts(workdir / "encoder.keras")["sha256"]
    metrics = []
    for name in runs.RESULTS:
        if not (workdir / name).exists():
            print(f"{workdir} has no {name}: the card goes without its numbers.")
            continue
        content = read_json(workdir / name)
        measured = content.get("encoder_sha256")
        if measured != sha256:
            raise ValueError(
                f"{workdir / name} says what {content['encoder']} is worth, and not "
                "what the run's encoder.keras is as it stands. Measure that, or remove "
                f"the file. Expected sha256 {sha256}. Received: {measured}"
            )
        dataset = common.without_folder(content["dataset"])
        for result in content["results"]:
            print(f"{name}: {result['protocol']} {result['value']:.4f} on {dataset}")
            settings = {"dataset": dataset, **result.get("settings", {})}
            metrics.append({**result, "settings": settings})
    return metrics


def read_json(file):
    """The content of a JSON file of the workdir."""
    if not file.exists():
        raise FileNotFoundError(f"There is no {file}; is this the workdir of a run?")
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is not whole: {error}") from error


if __name__ == "__main__":
    running.run(main)
