"""Parts of the command line tools: arguments and launching."""
