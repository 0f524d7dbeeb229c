"""The bridge: a Flask server on loopback between the editors' plug-ins and the engine.

Views validate, queue and read state; one worker thread drives the engine, which sits behind the
Protocols of ``engine_port``. Nothing here imports torch but ``pools/thread.py``, and that only when
the worker warms up, so that the bridge answers before the engine is loaded.
"""
