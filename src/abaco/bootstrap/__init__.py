"""The only place that wires: settings in, running roles and services out. A role loads its own part only."""
