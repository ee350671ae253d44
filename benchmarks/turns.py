"""What a program says that is asked for turns, see `peers.Peer`.

It is imported in any environment, and so imports nothing else. What libraries print
goes to standard error from then on: standard output is for answers.
"""

import json
import os
import sys

_answers = os.fdopen(os.dup(1), "w")
sys.stdout.flush()
os.dup2(2, 1)


def answer(value):
    """Says a value, in a line of JSON."""
    print(json.dumps(value), file=_answers, flush=True)


def asked():
    """The values of each line that comes, until nobody asks any more."""
    for line in sys.stdin:
        yield json.loads(line)
