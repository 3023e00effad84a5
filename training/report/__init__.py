"""The page a person reads of one version: facts in, pictures and one HTML page out. No TensorFlow here."""
