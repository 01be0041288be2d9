"""Promotion: a certified version gets its capital step by step, and each step must agree with its replay."""

from live.promotion.agreement import Agreement, compare
from live.promotion.beginning import Promotion
from live.promotion.deciding import Look, Move, decide
from live.promotion.promotions import CANARY, Promotions

__all__ = ["CANARY", "Agreement", "Look", "Move", "Promotion", "Promotions", "compare", "decide"]
