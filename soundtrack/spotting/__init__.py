"""Spotting: where music starts and stops, and which music it is."""

from __future__ import annotations

from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues

__all__ = ["Constraints", "spot_cues"]
