"""Where rows come from, one source a file, and how they are split."""
