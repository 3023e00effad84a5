"""tf.Examples, and TFRecord files of recorded predictions, which warm-up records are too. The first byte picks which;
records are also given with checksums that are right, for no mutation finds those.
"""

import atheris

with atheris.instrument_imports(include=["serving"]):
    from serving.backends.prediction_log import LoggedPrediction, prediction_log, read_predictions
    from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature
    from serving.contract.tfrecord import read_tfrecords, tfrecord
    from serving.preprocessing.examples import check_examples
    from tests.integration.fuzz.frame import fuzz

RECORD: tuple[Feature, ...] = (
    NumberFeature(name="a", range=(0, 9)),
    NumberFeature(name="o", optional=True),
    CategoryFeature(name="b", default="red"),
    ImageFeature(name="i", shape=(1, 2)),
    TensorFeature(name="t", dtype="int64", shape=(None,)),
)


def example(data: bytes) -> None:
    """Each feature alone, so that one that is absent does not hide the others."""
    for feature in RECORD:
        check_examples([data], [feature], lambda row: f"/examples/{row}")


def recording(file: bytes) -> None:
    """What was read is written and read again as it was."""
    for logged in read_predictions(file):
        again = next(read_predictions(tfrecord(prediction_log(logged))))
        assert isinstance(again, LoggedPrediction)
        assert (again.model, again.signature, again.inputs.keys()) == (
            logged.model,
            logged.signature,
            logged.inputs.keys(),
        )


def one_input(data: bytes) -> None:
    match data[:1]:
        case b"e":
            example(data[1:])
        case b"r":
            recording(tfrecord(data[1:]))
        case b"f":
            recording(data[1:])
        case _:
            list(read_tfrecords(data[1:]))


if __name__ == "__main__":
    fuzz(one_input)
