"""Heads: what methods put on an encoder, and throw away after pretraining."""
