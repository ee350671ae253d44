"""Program: how often the replicas of a training step wait for each other.

    python collectives.py CASE ...

For each case it prints a line of JSON: its name, and how many gathers and reductions
one of two replicas has in a step. The reduction of the gradients is one of them.
"""

import json
import sys
from collections import Counter

from tfssl import runs

REPLICAS = 2
KINDS = ("all_gather", "all_reduce")


def main():
    runs.set_up("float32", virtual_devices=REPLICAS)
    strategy = runs.strategy("mirrored")
    import cases
    import tensorflow as tf

    found = Counter()

    def counted(kind):
        method = getattr(tf.distribute.ReplicaContext, kind)

        def call(*args, **kwargs):
            found[kind] += 1
            return method(*args, **kwargs)

        setattr(tf.distribute.ReplicaContext, kind, call)

    for kind in KINDS:
        counted(kind)
    for name in sys.argv[1:]:
        with strategy.scope():
            model = cases.make(name)
        found.clear()
        model.fit(cases.images(16), batch_size=16, epochs=1, verbose=0)
        # Of the step as it was traced, by each replica once.
        print(json.dumps([name, *(found[kind] / REPLICAS for kind in KINDS)]))


if __name__ == "__main__":
    main()
