"""The HR system's business: one module for each part, each function one thing that people or jobs do.

Each function writes its rows and tells the log in the same unit of work. Nothing here decides when or by whom
something is done: that is for the pages and the simulation.
"""
