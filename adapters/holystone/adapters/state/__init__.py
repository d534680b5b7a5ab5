"""Where runs, locks and what was read are kept: `engine.ports.state`, implemented."""
