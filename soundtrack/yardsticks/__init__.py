"""Figures of merit and their intervals; shared by training and evaluation."""
