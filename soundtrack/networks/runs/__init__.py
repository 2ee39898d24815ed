"""Networks as they are run: by OpenVINO where it is installed and there is no GPU, else by torch."""
