"""Parts of the command line tools: arguments, launching, downloads."""
