"""The pipeline's steps, in their order. One strategy, one file or folder; none imports another; `app` makes and joins them.

1. `meter`     outermost: it must see every answer and every error, whichever step they come from
2. `identify`  all that follows depends on who calls
3. `limits`    a refusal must cost nothing, so it comes before any work
4. `task`      what kind of work a call is decides who may answer it; draws the arms of hold-outs
5. `cache`     a hit costs nothing and needs no provider, so it comes before one is chosen
6. `defer`     what can wait leaves here: after the cache, since a hit need not, and before a model is chosen, since that is done
               when it runs; lines of jobs come in here again
`student`      where settings want it: a model of our own, which needs no provider either; before `capture`, so that only
               teachers are learned from
`capture`      where settings want it: keeps what models answer, to learn from; behind whatever answers without one
7. `route`     which model, before which place: a deployment serves one model
8. `shape`     six of its files are steps: `mending`, `output` and `lossless` make the body that is sent, so that
               `contexts` and `step` count and mark the prompt that a provider really gets, and `doctor` sees what it could have read of it; what
               is said to that cache depends on the model
9. `balance`   the deployment decides what an attempt is journalled and priced as; once an attempt from here on
10. `budget`   what is reserved is the price of the model that really runs; a refusal is no failure of a deployment
11. `admit`    innermost: written down before it is sent, priced when it has ended

Then comes the provider (`upstream.relay`).
"""
