"""The report of a seed bank: one HTML file with everything inside, and its figures as PNG."""

from goodseed.report.write import Report, write_report

__all__ = ["Report", "write_report"]
