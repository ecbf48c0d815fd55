"""What end-to-end tests, long tests, the demo and the benchmarks share."""
