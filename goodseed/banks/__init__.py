"""Seed banks: the format, and choosing seeds from one."""

from goodseed.banks.format import Bank, check_bank, make_bank, read_bank, write_bank

__all__ = ["Bank", "check_bank", "make_bank", "read_bank", "write_bank"]
