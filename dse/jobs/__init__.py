"""One module a verb: read, let the floors below do the work, hand over what a person keeps."""
