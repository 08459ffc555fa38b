"""Tables that others wrote: what is in a file, which column means what, which networks they are."""
