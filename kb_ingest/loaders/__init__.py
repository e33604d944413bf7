"""Files and addresses in, `Parsed` documents out: one module per family of formats.

`base` says what a parsed document is; `read` chooses the module by extension and content; `worker` runs the
parsers that chew foreign binary formats in a child process with limits.
"""

from kb_ingest.loaders.base import Parsed, Row

__all__ = ["Parsed", "Row"]
