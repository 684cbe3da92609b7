"""The flask application: GET /ping and POST /invocations, the SageMaker container contract."""

import functools
import os
import pickle

import flask
import numpy

app = flask.Flask(__name__)


@functools.lru_cache(maxsize=1)
def model():
    """The tree of MODEL_DIR/model.pkl, read once."""
    with open(os.path.join(os.environ["MODEL_DIR"], "model.pkl"), "rb") as file:
        return pickle.load(file)


def text(message, status):
    return flask.Response(message + "\n", status=status, mimetype="text/plain")


@app.get("/ping")
def ping():
    model()  # 500 when it does not load
    return flask.Response(status=200)


@app.post("/invocations")
def invocations():
    if flask.request.mimetype != "text/csv":
        return text(f"content type {flask.request.mimetype or 'missing'}: this predictor takes text/csv", 415)
    try:
        rows = parse(flask.request.get_data(), model().n_features_in_)
    except ValueError as error:
        return text(str(error), 400)
    labels = model().predict(rows)
    return flask.Response("\n".join(labels) + "\n", status=200, mimetype="text/csv")


def parse(body, columns):
    """The rows of a CSV body without a header; ValueError names the line that is wrong."""
    rows = []
    for number, line in enumerate(body.decode("utf-8").splitlines(), start=1):
        cells = line.split(",")
        if len(cells) != columns:
            raise ValueError(f"line {number}: {len(cells)} columns, want {columns} features")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    if not rows:
        raise ValueError(f"empty body: want lines of {columns} features")
    with numpy.errstate(over="ignore"):  # what overflows is refused below
        rows = numpy.array(rows, dtype=numpy.float32)  # the type the tree compares in
    if not numpy.isfinite(rows).all():
        raise ValueError("a feature is not a finite number")
    return rows
