"""What gunicorn loads: the application under the name that it looks for."""

from predictor import app, model

__all__ = ["app"]

# gunicorn imports this before it forks its workers: none of them spends the first request of a
# measurement on loading the model, and a model that does not load stops the server at once.
model()
