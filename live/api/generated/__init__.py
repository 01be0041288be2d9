"""Made by `make proto` out of live/api/trading.proto; not to be changed by hand."""
