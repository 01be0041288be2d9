"""Self-assessment: what a rule asks for, the control that answers it, its setting, and the tests that prove it."""
