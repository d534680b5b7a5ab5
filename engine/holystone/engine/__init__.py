"""What a run is: model, decisions made concrete, and the machinery that carries them out."""
