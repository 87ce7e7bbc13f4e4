"""The command `puente`: one module per group of commands, `main` joins them."""
