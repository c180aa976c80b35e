"""What the panel shows: two images side by side, what differs and why, and how to set a graph to one of them."""
