"""Each chapter of the manual, followed by whom it is for; a module is called like its chapter."""
