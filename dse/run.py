"""`python -m dse.run ...` is the main job: the same as `dse run ...`."""

import sys

from dse.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
