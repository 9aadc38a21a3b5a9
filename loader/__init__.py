"""pgfeed's command-line programs: everything that runs beside the database."""
