"""What the sandbox runs for the sealed checks, one file a module. A program calls `terox` and expects nothing."""
