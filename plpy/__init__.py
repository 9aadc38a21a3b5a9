"""What runs inside the server: the library of pgfeed._library() and the bodies of single functions.

Importable for tests and for training, which calls the functions that serve.
"""
