"""Where somebody may listen to live requests, decoded and about to be queued.

Holds no more than who listens, so that a request pays one look at an attribute when nobody does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from serving.backend_protocol import Arrays
from serving.signature_plan import SignaturePlan

Listener: TypeAlias = Callable[[SignaturePlan, Arrays], None]
"""Told each request once, in the event loop: it returns at once, raises nothing, and changes no array."""


@dataclass(slots=True)
class Tap:
    listener: Listener | None = None
