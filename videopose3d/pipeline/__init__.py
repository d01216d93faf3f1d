"""The stories, top to bottom: infer, train, evaluate, finetune, prepare."""
