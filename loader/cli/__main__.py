"""`python -m loader.cli`, which ./run calls."""

from loader.cli import main

main(prog_name="./run")
