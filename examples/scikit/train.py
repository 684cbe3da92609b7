"""Train a decision tree on scikit-learn's own iris data: train.py DIR writes DIR/model.pkl."""

import os
import pickle
import sys

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier


def main(directory):
    iris = load_iris()
    model = DecisionTreeClassifier(random_state=0)
    model.fit(iris.data, iris.target_names[iris.target])

    # Written aside and renamed, so that no reader ever finds half a model.
    path = os.path.join(directory, "model.pkl")
    with open(path + ".new", "wb") as file:
        pickle.dump(model, file)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: train.py DIR")
    main(sys.argv[1])
