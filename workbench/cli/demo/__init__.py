"""The demo: well-behaved strategies, then each chaos strategy with risk controls on and off."""
