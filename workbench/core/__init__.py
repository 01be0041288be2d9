"""The rulebook: pure functions and flat state that the sweep, the replay and the live engine share.

Nothing in here does I/O, reads a clock, logs, or owns a random generator.
"""
