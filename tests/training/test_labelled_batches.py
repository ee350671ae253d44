import numpy as np

from tfssl.training import LabelledBatches


def batches(labels, labelled=3, **kwargs):
    images = np.arange(len(labels), dtype="uint8")[:, None, None, None]
    images = np.broadcast_to(images, (len(labels), 2, 2, 1))
    return LabelledBatches(
        images, labels, labelled=labelled, batch_size=4, seed=1, **kwargs
    )


def rows(batch, name="labelled"):
    return batch[name][:, 0, 0, 0].tolist()


LABELS = np.array([-1, 4, -1, 2, -1, -1, 0, 4, -1, -1, -1, -1])


def test_the_labelled_come_round_each_once_before_one_comes_again():
    found = batches(LABELS)
    seen = [row for batch in found for row in rows(batch)]
    assert sorted(seen[:4]) == sorted(seen[4:8]) == [1, 3, 6, 7]
    found.epoch = 1
    again = [row for batch in found for row in rows(batch)]
    # Nine in an epoch: two turns of four, and one of the third.
    assert sorted([seen[8], *again[:3]]) == [1, 3, 6, 7]


def test_labels_are_those_of_the_labelled():
    for batch in batches(LABELS):
        assert batch["labels"].tolist() == LABELS[rows(batch)].tolist()
        assert batch["labels"].dtype == "int32"


def test_all_images_are_in_the_batches_of_an_epoch():
    seen = [row for batch in batches(LABELS) for row in rows(batch, "images")]
    assert sorted(seen) == list(range(12))


def test_a_run_that_goes_on_gets_the_same():
    whole = [rows(batch) for batch in batches(LABELS, epoch=2)]
    rest = [rows(batch) for batch in batches(LABELS, epoch=2, start=1)]
    assert rest == whole[1:]


def test_one_label_fills_the_rows():
    labels = np.where(np.arange(8) == 5, 1, -1)
    assert [rows(batch) for batch in batches(labels)] == [[5, 5, 5], [5, 5, 5]]


def test_positions_stay_beside_the_images():
    batch = batches(LABELS, with_index=True)[0]
    assert batch["index"].tolist() == rows(batch, "images")
