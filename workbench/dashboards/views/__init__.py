"""How what an app knows is drawn: Panel parts that read a state and hand it what a person does."""
