"""What people and programs read of a command: text or JSON, progress, questions, errors."""
