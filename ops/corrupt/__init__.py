"""What happens to signals at a bedside, made: gaps, noise, and faults of sensors and lines.

None of it is taken from recordings, so that recorded noise can judge what was trained on it.
"""
