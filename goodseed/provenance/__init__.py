"""The record of an image: make, embed, read, compare, and run again."""
