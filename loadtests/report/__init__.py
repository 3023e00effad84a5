"""The page of one run of load: what it measured, drawn and told, in one file that needs nothing beside it."""
