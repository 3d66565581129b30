"""What all services share: messages, kernel, artifact store."""
