"""Engine pools: the forms in which an engine stands behind ``engine_port.EnginePool``."""
