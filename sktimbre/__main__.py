"""``python -m sktimbre`` is the `sktimbre` command."""

from sktimbre.cli import main

if __name__ == "__main__":
    main()
