"""What a compiled app exposes: the vocabulary, the reader of symbol files, the index, what the platform brings."""
