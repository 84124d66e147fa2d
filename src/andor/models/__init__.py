"""Models: families of them, training, files, and what masked evaluation needs of them.

families()["mlp"](family="mlp").make(table, None, None, folder, seed)   # trains or takes over a model, once
model = load(folder, device)                                            # an ArrayClassifier, TextClassifier, …
correct, items = accuracy(model, table, "test")

`families` is in `andor.models.families`, `load` in `andor.models.loading`, `accuracy` in `andor.models.accuracy`.
"""
