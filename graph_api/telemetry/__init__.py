"""What operators see of the server: logs, metrics and traces. Nothing of it holds what clients sent, or a secret."""
