"""Names of the folder and of the list that tools/suggest.py writes."""

# Folder in a work dir, the default.
SUGGESTIONS_FOLDER = 'suggestions'
# The list in each folder.
SUGGESTIONS = 'suggestions.json'
