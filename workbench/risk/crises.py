"""Crises of the past by name, for `historical_stress` and whoever else replays one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from workbench.data.times import Moment

__all__ = ["CRISES", "Crisis"]


class Crisis(NamedTuple):
    """A window of history.  start: the day whose last close all is measured from.  end: the day of the last close."""

    name: str
    start: Moment
    end: Moment
    what: str = ""


CRISES: Final[Mapping[str, Crisis]] = {
    crisis.name: crisis
    for crisis in (
        Crisis("black_monday_1987", "1987-10-13", "1987-10-19", "stock market crash of 19 October 1987"),
        Crisis("kuwait_1990", "1990-07-16", "1990-10-11", "invasion of Kuwait: oil doubles, stocks fall"),
        Crisis("ltcm_1998", "1998-07-17", "1998-10-08", "Russia's default and the rescue of LTCM"),
        Crisis("dotcom_2000", "2000-03-24", "2002-10-09", "end of the technology bubble"),
        Crisis("september_11_2001", "2001-09-10", "2001-09-21", "attacks; the exchange closed for four days"),
        Crisis(
            "quants_2007", "2007-07-19", "2007-08-15", "first wave of subprime losses; crowded quant funds"
        ),
        Crisis("lehman_2008", "2008-09-12", "2008-11-20", "failure of Lehman Brothers"),
        Crisis("credit_crisis_2008", "2007-10-09", "2009-03-09", "the bear market of the credit crisis"),
        Crisis("euro_2010", "2010-04-23", "2010-07-02", "Greek debt, with the flash crash of 6 May"),
        Crisis("downgrade_2011", "2011-07-22", "2011-08-08", "downgrade of US debt"),
        Crisis("oil_2014", "2014-06-20", "2016-02-11", "oil loses three quarters of its price"),
        Crisis("china_2015", "2015-08-17", "2015-08-25", "devaluation of the yuan"),
        Crisis("volatility_2018", "2018-01-26", "2018-02-08", "short-volatility products collapse"),
        Crisis("december_2018", "2018-09-20", "2018-12-24", "rising rates"),
        Crisis("covid_2020", "2020-02-19", "2020-03-23", "pandemic"),
        Crisis("crypto_april_2021", "2021-04-14", "2021-04-25", "leveraged crypto positions liquidated"),
        Crisis("crypto_may_2021", "2021-05-11", "2021-05-19", "crypto: China's ban on mining"),
        Crisis(
            "inflation_2022", "2022-01-03", "2022-10-12", "inflation and rising rates: stocks and bonds fall"
        ),
        Crisis("ftx_2022", "2022-11-05", "2022-11-09", "failure of FTX"),
        Crisis("svb_2023", "2023-03-08", "2023-03-10", "failure of Silicon Valley Bank; USDC leaves its peg"),
    )
}
"""Crises by name; the days are those of the S&P 500's closes, of crude oil's or of bitcoin's where it is theirs."""
