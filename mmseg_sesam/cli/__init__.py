"""What the command-line tools share: arguments, launching, downloads."""
