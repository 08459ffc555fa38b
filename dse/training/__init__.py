"""TRAIN one network fully: recipe, images, loop, checkpoints."""
