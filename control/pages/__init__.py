"""The pages inside the admin: control panel, settings, symbols, signals.

Rule 1: a page holds no rule of its own: it shows what the services say, and sends what they take.
Rule 2: whose settings, symbols and alerts are meant is the signed-in user's, always.
Rule 3: everything is rendered by the server first, and every form works without JavaScript.
"""
