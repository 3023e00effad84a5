"""The model directory on disk: published versions, labels and their history."""
