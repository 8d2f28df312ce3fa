"""`python -m augline` is the `augline` command."""

from augline.cli import main

if __name__ == "__main__":
    main()
