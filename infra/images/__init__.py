"""The image, what its roles start by, and what its layers weigh."""
