"""The cross-entropies under the names, with the arguments and the numbers of TensorFlow."""
