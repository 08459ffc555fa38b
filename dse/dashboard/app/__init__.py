"""The live page of studies: a Dash app that knows no store, only a `Source`."""
