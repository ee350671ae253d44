"""The whole path in three minutes, on handwritten digits: nothing to download.

    python scripts/quickstart.py

Pretrains a small encoder on 1,297 digits without their labels. Then takes 5 labels of
each class, five times over, and compares three classifiers: the same network trained
from scratch, the frozen encoder, and the fine-tuned encoder. Writes a report, publishes
the encoder into a local zoo and loads it back.
"""


from absl import flags

FLAGS = flags.FLAGS
# The data set is the point of this script.
for name in ("dataset", "data_dir", "image_size", "max_corrupt"):
    flags.FLAGS.__delattr__(name)

flags.DEFINE_string("workdir", "runs/quickstart", "Folder of the run.")
flags.DEFINE_integer("epochs", 60, "Passes over the images.", lower_bound=1)
flags.DEFINE_integer("labels_per_class", 5, "Labelled images a class.", lower_bound=1)
flags.DEFINE_integer("draws", 5, "Draws of the labelled images.", lower_bound=2)
flags.DEFINE_integer("seed", 0, "Seed of everything.", lower_bound=0)
