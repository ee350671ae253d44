import numpy as np
import pytest
from cases import images, make

from tfssl.transfer import (
    KNNCallback,
    few_label_indices,
    few_label_knn,
    knn_accuracy,
    knn_predict,
)

RANDOM = np.random.default_rng(0)
BANK = RANDOM.normal(size=(60, 5))
LABELS = RANDOM.integers(0, 4, 60)
QUERIES = RANDOM.normal(size=(23, 5))


def brute_force(k, temperature, vote):
    """The definition, one query at a time."""
    predictions = []
    for query in QUERIES:
        cosines = [
            row @ query / np.linalg.norm(row) / np.linalg.norm(query) for row in BANK
        ]
        votes = np.zeros(4)
        for row in np.argsort(cosines)[::-1][:k]:
            weight = np.exp(cosines[row] / temperature) if vote == "weighted" else 1
            votes[LABELS[row]] += weight
        predictions.append(votes.argmax())
    return predictions


@pytest.mark.parametrize("k", [1, 7, 60])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("vote", ["weighted", "majority"])
def test_the_definition(k, temperature, vote):
    result = knn_predict(BANK, LABELS, QUERIES, k, temperature, vote)
    assert result.tolist() == brute_force(k, temperature, vote)


def test_a_point_of_the_bank_has_its_own_label():
    assert knn_accuracy(BANK, LABELS, BANK, LABELS, k=1) == 1.0


def test_chunks_change_nothing():
    whole = knn_predict(BANK, LABELS, QUERIES, 9)
    np.testing.assert_array_equal(
        knn_predict(BANK, LABELS, QUERIES, 9, chunk_size=4), whole
    )


def test_renaming_the_classes_renames_the_predictions():
    new = np.array([2, 0, 3, 1])
    plain = knn_predict(BANK, LABELS, QUERIES, 9)
    renamed = knn_predict(BANK, new[LABELS], QUERIES, 9)
    np.testing.assert_array_equal(renamed, new[plain])


def test_a_high_temperature_is_the_majority_vote():
    warm = knn_predict(BANK, LABELS, QUERIES, 9, temperature=1e6)
    majority = knn_predict(BANK, LABELS, QUERIES, 9, vote="majority")
    unit = QUERIES / np.linalg.norm(QUERIES, axis=1, keepdims=True)
    cosines = unit @ (BANK / np.linalg.norm(BANK, axis=1, keepdims=True)).T
    nearest = LABELS[np.argsort(-cosines, axis=1)[:, :9]]
    counts = np.sort([np.bincount(row, minlength=4) for row in nearest], axis=1)
    clear = counts[:, -1] > counts[:, -2]
    assert clear.sum() > 10
    np.testing.assert_array_equal(warm[clear], majority[clear])


def test_ties_go_to_the_smallest_label():
    bank = np.array([[1.0, 0.0], [1.0, 0.0]])
    prediction = knn_predict(bank, np.array([3, 1]), bank[:1], k=2)
    assert prediction.tolist() == [1]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="k=61"):
        knn_predict(BANK, LABELS, QUERIES, 61)
    with pytest.raises(ValueError, match="59"):
        knn_predict(BANK, LABELS[:59], QUERIES, 5)
    with pytest.raises(ValueError, match="loud"):
        knn_predict(BANK, LABELS, QUERIES, 5, vote="loud")
    with pytest.raises(ValueError, match="k=5"):
        KNNCallback((images(4), LABELS[:4]), (images(4), LABELS[:4]), k=5)


def test_the_callback_logs_what_the_features_give():
    x, y = images(32), np.arange(32) % 3
    model = make("simclr")
    callback = KNNCallback((x, y), (x[:8], y[:8]), k=3, every=2)
    history = model.fit(x, batch_size=16, epochs=3, callbacks=[callback], verbose=0)
    logged = history.history["knn_accuracy"]
    # After epoch 2, and after the last one.
    assert len(logged) == 2
    f = np.asarray(model.predict(x, verbose=0))
    assert logged[-1] == knn_accuracy(f, y, f[:8], y[:8], k=3)


@pytest.mark.parametrize("temperature", [1e-3, 1e-9])
def test_a_low_temperature_is_the_nearest_neighbour(temperature):
    nearest = knn_predict(BANK, LABELS, QUERIES, 1)
    cold = knn_predict(BANK, LABELS, QUERIES, 9, temperature)
    np.testing.assert_array_equal(cold, nearest)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"k": 0}, "k=0"),
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"train_labels": None}, "train_labels must be 60 integers.*Received: None"),
        ({"train_labels": LABELS - 1}, "leave out images without .* Received: -1"),
        ({"train_labels": LABELS / 2}, "of float64"),
        ({"test_labels": None}, "test_labels must be 60 integers"),
        ({"test_labels": LABELS[:, None]}, r"shape \(60, 1\)"),
    ],
)
def test_what_gives_no_accuracy_is_refused(changes, message):
    arguments = {
        "train_features": BANK,
        "train_labels": LABELS,
        "test_features": BANK,
        "test_labels": LABELS,
        "k": 5,
    }
    with pytest.raises(ValueError, match=message):
        knn_accuracy(**{**arguments, **changes})


def test_the_callback_refuses_before_training():
    x, y = images(4), np.zeros(4, "int64")
    for changes, message in (
        ({"every": 0}, "every=0"),
        ({"k": 0}, "k=0"),
        ({"temperature": -1}, "temperature=-1"),
        ({"test": (x, None)}, "Labels of test must be 4 integers"),
        ({"train": (x, y - 1)}, "Labels of train must be classes from 0"),
    ):
        with pytest.raises(ValueError, match=message):
            KNNCallback(**{"train": (x, y), "test": (x, y), "k": 2, **changes})


def test_few_labels_are_a_mean_over_banks_that_are_drawn():
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = np.eye(3)[labels] + random.normal(scale=0.7, size=(60, 3))
    values = []
    for seed in (4, 5, 6):
        rows = few_label_indices(labels, 5, seed=seed)
        values.append(knn_accuracy(x[rows], labels[rows], x, labels, k=5))
    mean, std = few_label_knn(x, labels, x, labels, 5, draws=3, seed=4)
    assert mean == pytest.approx(np.mean(values)) and mean < 1
    assert std == pytest.approx(np.std(values)) and std > 0
    with pytest.raises(ValueError, match="draws=0"):
        few_label_knn(x, labels, x, labels, 5, draws=0)
