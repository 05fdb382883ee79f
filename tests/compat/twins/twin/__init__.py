"""The twins: behaviours that stock Locust and Rocust both show, and what it takes to compare them.

    registry    what a behaviour is, and the list of them      behaviours/  the behaviours themselves
    places      where a behaviour can go                       routes       what answers there
    observe     writes down what a behaviour sees              visit        runs behaviours inside a locustfile
    running     runs both programs, beside each other          normalise    the differences that are not looked at
    expected    the differences that are known                 page         COMPATIBILITY.md, from all of that

Everything up to `visit` is loaded by both programs: it imports `locust` and nothing of ours.
"""
