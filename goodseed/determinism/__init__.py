"""The machine's arithmetic: flags that fix it, operations that cannot be fixed, and graphs that hide randomness."""
