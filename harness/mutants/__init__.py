"""Would the suite have caught the bugs that really happened? Runs it against each of them."""
