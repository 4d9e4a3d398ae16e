"""`python -m cli`: the program, for whoever has the interpreter and not the command."""

from cli.main import run

if __name__ == "__main__":
    run()
