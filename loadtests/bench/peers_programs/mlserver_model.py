"""MLServer with the SavedModel: a custom runtime, as its documentation has it for TensorFlow, with its own batching.

MLServer finds it through the model-settings.json that the benchmark writes; `parameters.uri` is the SavedModel.
"""

import numpy as np
import tensorflow as tf
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Dense(MLModel):
    """Rows of 784 numbers in, a probability for each of ten classes out."""

    async def load(self) -> bool:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.call = tf.saved_model.load(self.settings.parameters.uri).signatures["serving_default"]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        pictures = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32, copy=False)
        probabilities = self.call(image=tf.constant(pictures))["probabilities"].numpy()
        output = NumpyCodec.encode_output("probabilities", probabilities)
        return InferenceResponse(model_name=self.name, outputs=[output])
