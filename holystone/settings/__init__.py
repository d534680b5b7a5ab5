"""What the user asked for: options and variables → frozen settings, and the project they speak of."""
