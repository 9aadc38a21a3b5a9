"""The body of pgfeed._answer_training: runs the statement that the training process waits for, and sends its rows."""

import re

CHUNK_ROWS = 1000
IS_QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def _answer_training(plpy, training):
    """Run the statement; send names and types of the columns and lists of rows, at last None.

    Rows of a query are fetched in chunks, as nothing can be cancelled while PL/Python makes Python's values of them.
    """
    if IS_QUERY.match(training.statement):
        names, types = columns_of(plpy, training)
        training.send(plpy, (names, types))
        cursor = plpy.cursor(with_names(training.statement, names))
        while rows := cursor.fetch(CHUNK_ROWS):
            training.send(plpy, [tuple(row.values()) for row in rows])
        cursor.close()
    else:
        result = plpy.execute(training.statement)
        rows = list(result)
        training.send(plpy, (result.colnames(), result.coltypes()) if rows else ([], []))
        training.send(plpy, [tuple(row.values()) for row in rows])
    training.send(plpy, None)


def columns_of(plpy, training):
    """Return names and types of a query's columns, which a cursor does not tell; looked up once for each form of it."""
    if training.form not in training.columns:
        result = plpy.execute(f"select * from ({training.statement}) as q limit 0")
        training.columns[training.form] = result.colnames(), result.coltypes()
    return training.columns[training.form]


def with_names(statement, names):
    """Return a query whose columns have different names: of those with the same name a row has one only."""
    if len(set(names)) == len(names):
        return statement
    return f"select * from ({statement}) as q ({', '.join(f'c{number}' for number in range(len(names)))})"
