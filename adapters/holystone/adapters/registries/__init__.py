"""One module or package a registry implementation, over one HTTP transport."""
