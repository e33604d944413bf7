"""The `jieli` command."""
