"""The role that moves messages: claim, scale, record, reap, prune."""
