"""LaViDa: a masked-diffusion vision-language model (arXiv 2505.16839), the annotator of strips."""
