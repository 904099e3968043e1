"""Students: a base model trained on the responses of a corpus with TRL and PEFT, and the resulting weights."""
