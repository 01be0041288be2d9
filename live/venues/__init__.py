"""Simulated exchanges, their feeds and their sessions: what the engine trades on."""
