"""A prediction service as a tutorial writes it: FastAPI, a pydantic model, and the SavedModel's Python signature.

The SavedModel's folder is in the environment, as BENCH_SAVED_MODEL.
"""

import os

import tensorflow as tf
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
signature = tf.saved_model.load(os.environ["BENCH_SAVED_MODEL"]).signatures["serving_default"]


class Pictures(BaseModel):
    """The body of a request: rows of 784 numbers."""

    instances: list[list[float]]


class Answer(BaseModel):
    """A probability for each class, row by row."""

    predictions: list[list[float]]


@app.post("/v1/models/dense:predict")
def predict(pictures: Pictures) -> Answer:
    outputs = signature(image=tf.constant(pictures.instances, tf.float32))
    return Answer(predictions=outputs["probabilities"].numpy().tolist())
