"""Performance: figures of returns, of equity curves and trades, and how far they can be trusted.

All of it takes Series, DataFrames and arrays, and knows nothing of backtests.  Nothing is loaded before it is used.
`import workbench.performance.accessor` adds `.wb` to Series and DataFrames.
"""
