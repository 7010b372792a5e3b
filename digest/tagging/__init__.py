"""Sort items into the taxonomy: the embedded tagger, a language model, and tools for the taxonomy itself."""
