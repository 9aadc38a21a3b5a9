"""The `pgfeed` command: a file for each group of verbs, which parses and prints; the work is done elsewhere."""

from loader.cli import data, experiments, feeds, measuring, models, server, serving, simulation, versions
from loader.cli.command import main

__all__ = ["data", "experiments", "feeds", "main", "measuring", "models", "server", "serving", "simulation", "versions"]
