"""Other libraries' names, for programs that move to gearframe."""
