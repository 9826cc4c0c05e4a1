"""The settings over HTTP: one's own document, for whoever is signed in and on the staff.

Rule 1: an operation is guard, query, body, service, answer. What a setting means is the services'
    business; nothing here validates a document.
Rule 2: whose document is meant is said by the session alone.
Rule 3: what a request holds is either used or refused: no parameter, body or condition is ignored.
"""
