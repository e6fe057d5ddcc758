"""Work that can wait: packed into providers' batches, watched, settled line by line, promoted before it is late.

A job is lines that were handed in together; lines that are a batch at a provider are a shard; both lie in the store
(`store/batch`), and how providers are spoken to is in `upstream/batches`. What a line goes through, and where it is written:

    handed in   deferred (calls that wait), handing (files), prompts/ (files of prompts), schedules/ (recurring jobs)
                entrance writes them; intake takes files apart, checking says what is wrong; alike, joining: equal lines
    dealt out   dealing takes lines, fairness says whose; ways are what there is, choosing chooses, hours, turnround
    prepared    walks takes each through the pipeline's steps, up to parking; holding: what budgets keep for it
    sent        in a batch: sending, packing; alone: running, pacing, flexing
                capping (of a job), spending and smoothing (of a day) say whether so much may be spent now
    watched     watching, fetching; promoting: what would be late in its batch goes alone as well
    ended       settling writes all that came of it in one transaction; news tells who waits here, webhooks others
    told        outcomes, written (results); expecting, speeds (when it is expected)

The worker has the parts take turns; they share a desk. Who works on what, and what becomes of the work of one that died:
leasing, upkeep.
"""
