"""Running a saved image again: the same pixels, the same to the eye, or what differs."""
