"""What pytest leaves out."""

collect_ignore = ["record_torch.py"]  # a script, and it needs PyTorch
