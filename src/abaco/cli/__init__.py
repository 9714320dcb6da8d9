"""The command `abaco`: user verbs go through `abaco.client`, server verbs through `abaco.bootstrap`."""
