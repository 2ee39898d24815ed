"""Imports OpenVINO in a process from which others are forked, so that they need not; does nothing where that fails.

It has no threads before it runs a network, so that forking stays safe.
"""

from contextlib import suppress

from soundtrack.networks.runs import openvino_core

with suppress(Exception):  # whoever needs it finds out what is wrong, and loads torch
    openvino_core.opset()
