"""Train, export, publish: a job file turns data into the next version in the model directory."""
