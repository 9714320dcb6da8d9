"""Waking sleepers."""
