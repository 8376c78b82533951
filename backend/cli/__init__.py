"""The command line: verbs, output, questions, completion."""
