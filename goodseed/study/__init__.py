"""Measuring what seeds do to one model: seeds × prompts, kept in a ledger, summed up in a bank."""
