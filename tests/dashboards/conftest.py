"""A real engine for the state of the live desks."""

from tests.client.conftest import Running, running

__all__ = ["Running", "running"]
