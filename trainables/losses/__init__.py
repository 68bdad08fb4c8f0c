"""Ranking losses on activity progression, and the loss that training minimises."""
