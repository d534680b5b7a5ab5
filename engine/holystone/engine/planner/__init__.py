"""Turns a closed graph into a plan, as a list of named pure steps, and proves the result on a model of a registry."""
