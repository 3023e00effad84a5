"""Answers and truth to figures: what is measured of a version on rows it has never seen."""
