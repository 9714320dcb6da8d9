"""Containers by the Docker Engine, or by what speaks its API (Podman)."""
