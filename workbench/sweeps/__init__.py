"""The compiled runner for research: parameter sweeps, searches, and chaos campaigns."""
