"""Write SavedModels for the embedded backend's tests, with the real TensorFlow. usage: saved_model_zoo.py FOLDER

FOLDER/echo: every dtype in and out, a table, a vocabulary asset, a failing graph; FOLDER/fixed: no free batch size;
FOLDER/dense: two layers of matrix products.
"""

import sys
from pathlib import Path

import tensorflow as tf


class Zoo(tf.Module):  # type: ignore[misc] # TensorFlow comes without types
    def __init__(self, vocabulary: Path) -> None:
        super().__init__()
        rule = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(rule, -1)
        self.weight = tf.Variable(2.0)


def main(folder: Path) -> None:
    vocabulary = folder / "vocabulary.txt"
    vocabulary.write_text("red\ngreen\nblue\n")
    zoo = Zoo(vocabulary)
    dtypes = ["float32", "float64", "float16", "int32", "int64", "uint8", "bool", "string"]
    specs = {name: tf.TensorSpec([None, 2], getattr(tf, name), name=name) for name in dtypes}
    one = tf.TensorSpec([None], tf.float32, name="x")
    signatures = {
        "serving_default": tf.function(
            lambda **given: {f"{name}_out": tf.identity(value) for name, value in given.items()}
        ).get_concrete_function(**specs),
        "lookup": tf.function(lambda colour: {"index": zoo.table.lookup(colour)}).get_concrete_function(
            colour=tf.TensorSpec([None], tf.string, name="colour")
        ),
        "double": tf.function(lambda x: {"y": x * zoo.weight}).get_concrete_function(x=one),
        "fail": tf.function(
            lambda x: {"y": tf.debugging.check_numerics(tf.math.log(x - x - 1.0), "no logarithm")}
        ).get_concrete_function(x=one),
    }
    tf.saved_model.save(zoo, str(folder / "echo" / "1"), signatures)
    fixed = tf.function(lambda x: {"y": x}).get_concrete_function(x=tf.TensorSpec([4], tf.float32, name="x"))
    tf.saved_model.save(zoo, str(folder / "fixed" / "1"), {"serving_default": fixed})
    first, second = tf.Variable(tf.ones([64, 128])), tf.Variable(tf.ones([128, 10]))
    dense = tf.function(lambda x: {"y": tf.nn.relu(x @ first) @ second})
    module = tf.Module()
    module.kept = [first, second]
    signature = dense.get_concrete_function(x=tf.TensorSpec([None, 64], tf.float32, name="x"))
    tf.saved_model.save(module, str(folder / "dense" / "1"), {"serving_default": signature})
    vocabulary.unlink()  # only the copies among the models' assets are left


if __name__ == "__main__":
    main(Path(sys.argv[1]))
