"""What suits a scene, and why."""
