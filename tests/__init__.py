"""The tests of gearframe, and the servers they run against."""
