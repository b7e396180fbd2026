"""Files: the package's readers and writers, without any framework."""
