"""Many runs from one file: ablation grids and the search for hyperparameters, on one machine or a cluster."""
