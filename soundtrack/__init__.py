"""soundtrack: score a film with your own music."""

__all__ = ["__version__"]

__version__ = "0.1.0"
