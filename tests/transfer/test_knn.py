import numpy as np
import pytest

from tfssl.transfer import (
    few_label_indices,
    few_label_knn,
    knn,
    knn_accuracy,
    knn_predict,
)
from tfssl.transfer.knn import largest_of_rows

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


@pytest.mark.parametrize("n", [20, 2000])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(n, bad):
    bank, labels = np.ones((n, 3)), np.zeros(n, int)
    broken = bank.copy()
    broken[7, 1] = bad
    for train, test in ((bank, broken), (broken, bank)):
        with pytest.raises(ValueError, match=f"must be finite.* 1 of {n} .* row 7: "):
            knn_predict(train, labels, test, k=2)


def test_few_labels_are_a_mean_over_banks_that_are_drawn():
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = np.eye(3)[labels] + random.normal(scale=0.7, size=(60, 3))
    values = []
    for seed in (4, 5, 6):
        rows = few_label_indices(labels, 5, seed=seed)
        values.append(knn_accuracy(x[rows], labels[rows], x, labels, k=5))
    result = few_label_knn(x, labels, x, labels, 5, draws=3, seed=4)
    assert result.draws == tuple(values) and result.value < 1
    assert result.std == pytest.approx(np.std(values, ddof=1)) and result.std > 0
    assert result.settings["k"] == result.settings["labels_per_class"] == 5
    with pytest.raises(ValueError, match="draws=0"):
        few_label_knn(x, labels, x, labels, 5, draws=0)


def test_the_protocol_is_the_accuracy_and_its_settings():
    result = knn(BANK, LABELS, QUERIES, LABELS[:23], k=7, temperature=0.2)
    accuracy = knn_accuracy(BANK, LABELS, QUERIES, LABELS[:23], 7, 0.2)
    assert result.value == accuracy and result.protocol == "knn"
    assert result.settings == {"k": 7, "temperature": 0.2}
    # From lists of labels, too.
    again = few_label_knn(BANK, LABELS.tolist(), QUERIES, LABELS[:23].tolist(), 2)
    assert again.protocol == "few_knn" and len(again.draws) == 10


@pytest.mark.parametrize("k", [1, 5, 200])
@pytest.mark.parametrize("n", [90, 333, 1700])
def test_the_largest_of_rows(k, n):
    """Of rows that a bound rules out, that it does not, and with many equal values."""
    k = min(k, n)
    rows = np.random.default_rng(n).normal(size=(20, n))
    rows[::2] = np.round(rows[::2])
    found = largest_of_rows(rows, k)
    assert all(len(set(row)) == k for row in found)
    values = np.sort(np.take_along_axis(rows, found, axis=1), axis=1)
    np.testing.assert_array_equal(values, np.sort(rows, axis=1)[:, n - k :])
