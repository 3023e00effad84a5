"""An object store that holds what a model directory holds: nodes fetch versions from it, training pushes them to it."""
