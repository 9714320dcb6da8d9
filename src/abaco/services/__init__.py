"""Use cases: resolve, require permission, apply the domain's rule, one transaction, announce."""
