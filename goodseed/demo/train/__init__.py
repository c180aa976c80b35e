"""Training of the demo model, from drawing its scenes to its card: `python -m goodseed.demo.train`."""
