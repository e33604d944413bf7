"""Documents in, an index out: loaders, splitter, embedder, index, documents."""
