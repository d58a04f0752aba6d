"""What a model says of windows whose line was hidden from it, and what a site learns from that."""
