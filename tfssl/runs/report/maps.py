"""What the report shows of features: a map, and which images are near which."""

import numpy as np

from tfssl.pages import pictures

_QUERIES, _NEIGHBOURS = 8, 8


def feature_map(images, features, labels, class_names):
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    dims = min(50, *features.shape)
    reduced = PCA(dims, random_state=0).fit_transform(features)
    perplexity = min(30, (len(features) - 1) / 3)
    points = TSNE(perplexity=perplexity, random_state=0).fit_transform(reduced)
    # Small images keep the file small.
    step = max(1, images.shape[1] // 32)
    return (
        "<h2>A map of test images</h2><p class='soft'>Images with similar features are "
        "near each other (t-SNE). The encoder never saw a label; the colours show them."
        "</p>"
        + pictures.scatter(points, labels, class_names, images[:, ::step, ::step])
    )


def neighbours(images, features, labels, class_names):
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    rows = []
    for query in range(_QUERIES):
        similarity = unit @ unit[query]
        similarity[query] = -np.inf
        cells = [_labelled(images, labels, class_names, query, "first")]
        for other in np.argsort(-similarity)[:_NEIGHBOURS]:
            mark = ""
            if labels is not None:
                mark = "good" if labels[other] == labels[query] else "bad"
            cells.append(_labelled(images, labels, class_names, other, mark))
        rows.append(f'<div class="row">{"".join(cells)}</div>')
    frame = "" if labels is None else " A green frame: the same class; orange: another."
    return (
        "<h2>Nearest neighbours</h2><p class='soft'>A test image on the left and the "
        f"test images with the most similar features.{frame}</p>"
        f"<div class='scroll'>{''.join(rows)}</div>"
    )


def _labelled(images, labels, class_names, row, mark):
    name = "" if labels is None else pictures.class_name(class_names, int(labels[row]))
    return pictures.picture(images[row], name, mark)
