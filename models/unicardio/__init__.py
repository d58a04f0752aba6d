"""UniCardio: one diffusion transformer that makes ECG, PPG and BP of each other."""
