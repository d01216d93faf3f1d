"""People who never existed, rendered: clothed bodies moved by motion capture in drawn places, with exact truth.

`plan_clip` draws a clip from a seed, `film_clip` its pictures, `clip_truth` what is really there. The body model
`anny` and the compiler `numba` come with the extra ``synth``; what needs them is imported when it is used.
"""
