"""How restorers are judged: what they are asked, by what measures, and against what baselines."""
