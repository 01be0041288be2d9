"""What each app knows and does, as `param` classes without Panel: testable without a browser."""

from __future__ import annotations
