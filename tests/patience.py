"""How long a test waits for what must come. The limit is for what hangs; no machine is so slow."""

HANG_SECONDS = 300.0
