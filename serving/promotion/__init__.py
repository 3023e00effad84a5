"""Promoting a version as a protocol: it is checked, warmed and watched, and a label moves only in between."""
