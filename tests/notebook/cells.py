"""Strategies as people type them into cells."""

TREND = '''from workbench.strategy import MarketSignal, TradingStrategy


class TwoDayTrendStrategy(TradingStrategy):
    """Long after a day that rose, flat after one that fell."""

    PARAMETERS = {"least": 0.0}
    SIZING = "target"

    def on_market_data(self, price):
        return [MarketSignal(price.symbol, signal_strength=float(price.change_pct > self.config["least"]))]

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''
