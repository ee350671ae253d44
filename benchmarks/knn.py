"""How fast is kNN, beside faiss?

    python benchmarks/knn.py --peer_python=PATH

Neighbours of 10,000 features among 50,000 of 512 numbers, k = 200: `knn_predict` with
its vote, and faiss's exact search (`IndexFlatIP`) without one. Both take turns;
docs/speed/knn.json has the figures. The peer's environment needs faiss-cpu.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import peers  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("peer_python", None, "Python that imports faiss; none: ours only.")
flags.DEFINE_integer("rounds", 5, "Turns of each.", lower_bound=1)
flags.DEFINE_integer("bank", 50_000, "Features that are searched.", lower_bound=1)
flags.DEFINE_integer("queries", 10_000, "Features to classify.", lower_bound=1)
flags.DEFINE_integer("dim", 512, "Numbers of each.", lower_bound=1)
flags.DEFINE_integer("k", 200, "Neighbours.", lower_bound=1)
flags.DEFINE_bool("quick", False, "Three turns of a fifth of the queries.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder, for speed/knn.json.")


def main():
    if FLAGS.quick:
        FLAGS.rounds, FLAGS.queries = 3, FLAGS.queries // 5
    import numpy as np

    from tfssl import files, transfer

    about = peers.described(files.versions(), files.commit(), FLAGS.quick)
    random = np.random.default_rng(0)
    bank, queries = (
        random.normal(size=(count, FLAGS.dim)).astype("float32")
        for count in (FLAGS.bank, FLAGS.queries)
    )
    labels = random.integers(0, 10, FLAGS.bank)

    def ours():
        start = time.perf_counter()
        transfer.knn_predict(bank, labels, queries, FLAGS.k)
        return FLAGS.queries / (time.perf_counter() - start)

    sides, peer = {"ours": ours}, None
    if FLAGS.peer_python:
        sizes = (FLAGS.bank, FLAGS.queries, FLAGS.dim, FLAGS.k)
        peer = peers.Peer(
            FLAGS.peer_python,
            str(ROOT / "benchmarks" / "knn_faiss.py"),
            *map(str, sizes),
            needs=f"--peer_python must import faiss. Received: {FLAGS.peer_python}",
        )
        about["peer_versions"] = peer.greeting
        sides["faiss"] = peer.ask
    row = peers.in_turn(FLAGS.rounds, sides)
    if peer:
        peer.close()
    sizes = {name: FLAGS[name].value for name in ("bank", "queries", "dim", "k")}
    found = {**about, "unit": "queries a second", **sizes, **row}
    peers.keep(FLAGS.output, "knn", "knn", found)


if __name__ == "__main__":
    running.run(main)
