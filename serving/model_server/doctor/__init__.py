"""`penstock doctor`: facts are read by one file, judged by pure rules, and told in one line each."""
