"""Running one container on this machine: images, the private writable layer, limits, crun."""
