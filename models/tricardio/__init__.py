"""TriCardio: a small diffusion transformer that mends ECG, PPG and ABP or makes them of others."""
