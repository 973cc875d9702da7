"""The sealed checks, one file a module: what is asked, and how exactly it has to be right. Never in the sandbox."""
