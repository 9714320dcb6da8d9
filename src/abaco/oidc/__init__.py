"""Asking an OIDC provider over HTTP."""
