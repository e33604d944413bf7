"""Servers and peers for `jieli bench chat` and `jieli bench handoff`."""
