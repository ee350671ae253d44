"""Zoos of text: what an encoder's file holds does not matter to who reads its card."""

import json

from tfssl import files
from tfssl.zoo.metadata import summary


def write_zoo(folder, **encoders):
    """A zoo with encoders of this metadata, and nothing in their files.

    Args:
        folder: `pathlib.Path`.
        encoders: dicts by name.

    Returns:
        The folder.
    """
    index = {}
    for name, metadata in encoders.items():
        (folder / name).mkdir(parents=True)
        metadata = {"name": name, **metadata}
        contents = {
            "README.md": f"# {name}\n",
            "encoder.keras": f"the weights of {name}",
            "metadata.json": json.dumps(metadata),
        }
        for file, text in contents.items():
            (folder / name / file).write_text(text)
        facts = {file: files.facts(folder / name / file) for file in contents}
        index[name] = {"summary": summary(metadata), "files": facts}
    (folder / "index.json").write_text(json.dumps({"format": 1, "encoders": index}))
    return folder
