"""AL text: tokens, trees, and the objects that they declare in the vocabulary of the symbols."""
