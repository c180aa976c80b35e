"""The nodes: a schema and a short execute each; the logic lives in `goodseed`, what touches ComfyUI in `host`."""
