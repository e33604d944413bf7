"""Answers visitors and composes the application: settings, database, pipeline, turns, command line."""

__version__ = "0.1.0"
