"""From a question to a grounded answer: condense → retrieve → answer → cite → check."""
