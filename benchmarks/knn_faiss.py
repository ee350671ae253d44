"""faiss's side of benchmarks/knn.py, which starts it in the peer's environment."""

import sys
import time

import turns


def main():
    import faiss
    import numpy as np

    bank, queries, dim, k = map(int, sys.argv[1:])
    random = np.random.default_rng(0)
    index = faiss.IndexFlatIP(dim)
    features = random.normal(size=(bank, dim)).astype("float32")
    faiss.normalize_L2(features)
    index.add(features)
    asked = random.normal(size=(queries, dim)).astype("float32")
    faiss.normalize_L2(asked)
    turns.answer({"faiss": faiss.__version__})
    for _ in turns.asked():
        start = time.perf_counter()
        index.search(asked, k)
        turns.answer(queries / (time.perf_counter() - start))


if __name__ == "__main__":
    main()
