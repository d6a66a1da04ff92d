"""Who may do what: every route of the document and every topic, for every role; default deny."""
