"""`python -m dse` is the `dse` command."""

from dse.cli import main

if __name__ == "__main__":
    main()
