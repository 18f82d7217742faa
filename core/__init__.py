"""The authority: policy, schedule, issuing, store, archives, restore, journal, receiver side.

It sees paths, bytes and an aware UTC `now`; never a clock, a pin, a screen or a stick.
"""
