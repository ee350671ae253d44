"""How fast is a step, beside a loop in PyTorch?

    python benchmarks/steps.py --peer_python=PATH
    KERAS_BACKEND=jax python benchmarks/steps.py --rows=gpu_32,gpu_224 \\
        --peer_python=PATH

Ours is `fit`: uint8 images in memory, views, network, loss and optimizer. Theirs is
a loop in PyTorch with the same network, sizes, precision and optimizer, channels-last.
On a CPU its views are lightly's, from 0, 1 or 2 workers, of which the best counts; on a
GPU it has the images there, makes the views there, and is compiled. Both take turns,
round after round. Medians, ratios and their spread are printed, kept in
docs/speed/steps.json, and shown in docs/speed.md.

benchmarks/views.py says how to make the peer's environment.
"""

import functools
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import pages  # noqa: E402
import peers  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("peer_python", None, "Python that imports torch; none: ours only.")
flags.DEFINE_list("rows", ["16_bfloat16", "16_float32", "64_bfloat16"], "Which ones.")
flags.DEFINE_integer("rounds", 5, "Turns of each.", lower_bound=1)
flags.DEFINE_bool("quick", False, "Three turns of a few steps.")
flags.DEFINE_bool("measure", True, "Measure, or write the table alone.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the figures and the page.")

SMALL = {
    "method": "simclr",
    "network": "resnet18",
    "side": 32,
    "source": 32,
    "batch": 256,
    "steps": 8,
}
# Side of the views and of the images; `gpu`: the views are made there.
ROWS = {
    "16_bfloat16": {**SMALL, "width": 16, "precision": "bfloat16"},
    "16_float32": {**SMALL, "width": 16, "precision": "float32"},
    "16_float32_1024": {
        **SMALL,
        "width": 16,
        "precision": "float32",
        "batch": 1024,
        "steps": 2,
    },
    "64_bfloat16": {**SMALL, "width": 64, "precision": "bfloat16", "steps": 3},
    "64_float32": {**SMALL, "width": 64, "precision": "float32", "steps": 2},
    "moco_v2": {**SMALL, "method": "moco_v2", "width": 16, "precision": "bfloat16"},
    "dino": {
        **SMALL,
        "method": "dino",
        "width": 16,
        "precision": "bfloat16",
        "steps": 4,
    },
    "mae": {
        **SMALL,
        "method": "mae",
        "network": "vit_tiny",
        "width": 192,
        "precision": "bfloat16",
        "steps": 4,
    },
    "gpu_32": {
        **SMALL,
        "width": 64,
        "precision": "bfloat16",
        "batch": 512,
        "steps": 150,
        "gpu": True,
    },
    "gpu_224": {
        "method": "simclr",
        "network": "resnet50",
        "width": 64,
        "precision": "bfloat16",
        "side": 224,
        "source": 256,
        "batch": 256,
        "steps": 24,
        "gpu": True,
    },
}
HEADING = (
    "row",
    "device",
    "ours, images/s",
    "PyTorch, images/s",
    "ratio",
    "ratio of turns",
    "memory, ours / PyTorch, MiB",
)


def main():
    if unknown := set(FLAGS.rows) - set(ROWS):
        raise ValueError(f"--rows must be of {list(ROWS)}. Received: {unknown}")
    from tfssl import files

    file = Path(FLAGS.output) / "speed" / "steps.json"
    for name in FLAGS.rows if FLAGS.measure else ():
        about = peers.described(files.versions(), files.commit(), FLAGS.quick)
        found = {**about, **measure(dict(ROWS[name]))}
        peers.keep(FLAGS.output, "steps", name, found)
    known = json.loads(file.read_text())["rows"]
    lines = ["", pages.row(*HEADING), "|---" * len(HEADING) + "|"]
    lines += [pages.row(*cells(name, known[name])) for name in ROWS if name in known]
    pages.write_tables(Path(FLAGS.output) / "speed.md", "steps", lines)


def measure(row):
    """The figures of a row: a dict."""
    rounds = FLAGS.rounds
    if FLAGS.quick:
        rounds, row["steps"] = 3, max(row["steps"] // 4, 1)
    folder = ROOT / "benchmarks"
    needs = f"--peer_python must import torch. Received: {FLAGS.peer_python}"
    programs = {"ours": (sys.executable, folder / "steps_tfssl.py")}
    if FLAGS.peer_python:
        programs["theirs"] = (FLAGS.peer_python, folder / "steps_torch.py")
    # One after the other: on a GPU both compilers try which kernels are fast.
    asked, greetings = {}, {}
    for name, program in programs.items():
        asked[name] = peers.Peer(*map(str, program), json.dumps(row), needs=needs)
        greetings[name] = asked[name].greeting
    counts = [greeting["weights"] for greeting in greetings.values()]
    if max(counts) > 1.01 * min(counts):
        raise RuntimeError(f"The networks differ: {counts} weights.")
    memory = dict.fromkeys(asked, 0.0)

    def turn(name, variant):
        speed, peak = asked[name].ask(variant)
        memory[name] = max(memory[name], peak)
        return speed

    sides = {
        name if name == "ours" else variant: functools.partial(turn, name, variant)
        for name, greeting in greetings.items()
        for variant in greeting["variants"]
    }
    found = peers.in_turn(rounds, sides)
    for name, peer in asked.items():
        peer.close()
        found[name].update(
            device=greetings[name]["device"],
            versions=greetings[name]["versions"],
            weights=greetings[name]["weights"],
            xla_flags=greetings[name].get("xla_flags"),
            peak_memory_mib=round(memory[name]),
        )
    return {"row": row, **found}


def cells(name, found):
    """What a line of the table says."""
    ours, theirs = found["ours"], found.get("theirs", {})
    row = found["row"]
    least, most = found.get("ratio_of_turns", ("", ""))
    memory = [side.get("peak_memory_mib", "") for side in (ours, theirs)]
    return (
        f"`{name}`: {row['method']}, {row['network']} of width {row['width']}, "
        f"{row['side']} px from {row['source']}, batch {row['batch']}, "
        f"{row['precision']}",
        ours["device"],
        f"{ours['median']:,.0f}",
        f"{theirs['median']:,.0f}" if theirs else "",
        str(found.get("ratio", "")),
        f"{least} to {most}" if theirs else "",
        "" if row.get("gpu") else " / ".join(map(str, memory)),
    )


if __name__ == "__main__":
    running.run(main)
