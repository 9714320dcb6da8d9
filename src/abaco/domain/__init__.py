"""What things are and which moves are legal. No I/O, no clock, no SQL: standard library only."""
